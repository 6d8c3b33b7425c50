"""Weights by name: those that come with plugins, and those a user has collected in one folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from had_cli.errors import WeightsError
from had_cli.plugin import host
from had_cli.plugin.descriptions import BundledWeights, Method
from had_cli.plugin.host.loading import one_line
from had_cli.plugin.host.plugin import Plugin

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from had_cli.weights.file import Weights

SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A weights file.

    Attributes
    ----------
    name : what it is called; of a file that lies elsewhere, its path
    path : the file, or the resource of a package
    method, scenes : what its header says; empty where only its place was looked up
    bundled : the distribution it comes with, and its version; None for a user's own
    sha256 : what a plugin declares the file's to be
    error : why it cannot be used
    good, poor : where a plugin says that its weights do well, and where not
    """

    name: str
    path: Path | Traversable
    method: str | None = None
    scenes: tuple[str, ...] = ()
    bundled: str | None = None
    sha256: str | None = None
    error: str | None = None
    good: str = ""
    poor: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``had models list --json``."""
        return {
            "name": self.name,
            "file": str(self.path),
            "method": self.method,
            "scenes": list(self.scenes),
            "bundled": self.bundled,
            "error": self.error,
        }

    def load(self, method: str | None = None) -> Weights:
        """Return the weights; ``method`` is the one they must belong to.

        Raises
        ------
        WeightsError
            As :func:`had_cli.weights.file.load_weights`, and when they are not what the plugin declares.
        """
        from had_cli.weights.file import load_weights

        try:
            weights = load_weights(self.path, method=method, sha256=self.sha256)
        except WeightsError as error:
            if self.bundled is None:
                raise
            remedy = f"{self.name} comes with {self.bundled}: install it again"
            raise WeightsError(f"{error} ({remedy})") from error
        return replace(weights, name=self.name) if self.bundled else weights


def folder() -> Path:
    """Return the user's folder of weights, which need not exist yet."""
    import platformdirs

    return platformdirs.user_data_path("had", appauthor=False) / "models"


def known_models() -> list[Model]:
    """Return the weights that come with plugins, then those in the user's folder; damaged ones as well."""
    own = (Model(name=path.stem, path=path) for path in sorted(folder().glob(f"*{SUFFIX}")))
    return [_described(model) for model in (*bundled_models(), *own)]


def bundled_models() -> list[Model]:
    """Return the weights that come with plugins, by method, unread."""
    return [_bundled(plugin, method, weights) for plugin, method, weights in _declared()]


def default_model(method: Method) -> Model | None:
    """Return the weights that ``method`` takes where none are given, or None.

    Raises
    ------
    WeightsError
        When the package they lie in cannot be imported.
    """
    if method.weights != "required" or not method.bundled:
        return None
    return find_weights(method.bundled[0].name, own=False)


def find_weights(name: str | Path, *, own: bool = True) -> Model:
    """Return what ``name`` means: a file, else the name of one in the user's folder or of bundled weights.

    Parameters
    ----------
    own
        Look in the user's folder as well.

    Raises
    ------
    WeightsError
        When the user's folder has weights of the same name as a plugin, or the plugin's are not there.
        (Where nothing has the name, it is returned as a path, to be told of when it is read.)
    """
    text = str(name)
    path = Path(name)
    bare = text.removesuffix(SUFFIX)
    if path.name != text or (own and path.exists()):
        return Model(name=text, path=path)
    kept = folder() / f"{bare}{SUFFIX}"
    declared = next((found for found in _declared() if found[2].name == bare), None)
    if own and kept.exists():
        if declared is not None:
            raise WeightsError(
                f"{bare}: weights of this name come with {_distribution(declared[0])}, and others lie at "
                f"{kept}; give their path, or rename them"
            )
        return Model(name=bare, path=kept)
    if declared is None:
        return Model(name=text, path=path)
    model = _bundled(*declared)
    if model.error is not None:
        raise WeightsError(model.error)
    return model


def names() -> list[str]:
    """Return all names that ``-w`` takes, unread."""
    own = [path.stem for path in folder().glob(f"*{SUFFIX}")]
    return sorted({*own, *(weights.name for _, _, weights in _declared())})


def _declared() -> Iterator[tuple[Plugin, Method, BundledWeights]]:
    for plugin in host.plugins():
        for method in plugin.offer.methods:
            for weights in method.bundled:
                yield plugin, method, weights


def _bundled(plugin: Plugin, method: Method, weights: BundledWeights) -> Model:
    from importlib import resources

    package, _, file = weights.file.partition(":")
    path: Path | Traversable = Path(file)
    error = None
    try:
        path = resources.files(package).joinpath(file)
    except Exception as failure:  # noqa: BLE001 - third-party code may raise anything
        error = f"{weights.name}: plugin {plugin.origin}: cannot load {package}: {one_line(failure)}"
    return Model(
        name=weights.name,
        path=path,
        method=method.name,
        bundled=_distribution(plugin),
        sha256=weights.sha256,
        error=error,
        good=weights.good,
        poor=weights.poor,
    )


def _distribution(plugin: Plugin) -> str:
    return f"{plugin.distribution} {plugin.version}"


def _described(model: Model) -> Model:
    from had_cli.weights.file import read_header

    if model.error is not None:
        return model
    try:
        header = read_header(model.path)
    except WeightsError as error:
        return replace(model, error=str(error))
    return replace(model, method=header["method"], scenes=trained_on(header))


def trained_on(header: Any) -> tuple[str, ...]:
    """Return the names of the scenes that the header of a weights file tells of."""
    scenes = header.get("scenes")
    found = scenes if isinstance(scenes, list) else []
    return tuple(str(scene.get("name", "?")) for scene in found if isinstance(scene, dict))
