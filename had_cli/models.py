"""The weights a user has collected, in one folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from had_cli.errors import WeightsError

SUFFIX = ".safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A weights file in the folder; ``error`` says why it cannot be used."""

    name: str
    path: Path
    method: str | None = None
    scenes: tuple[str, ...] = ()
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``had models list --json``."""
        return {
            "name": self.name,
            "file": str(self.path),
            "method": self.method,
            "scenes": list(self.scenes),
            "error": self.error,
        }


def folder() -> Path:
    """Return the user's folder of weights, which need not exist yet."""
    import platformdirs

    return platformdirs.user_data_path("had", appauthor=False) / "models"


def known_models() -> list[Model]:
    """Return the weights in :func:`folder`, by name; damaged files are among them."""
    return [_model(path) for path in sorted(folder().glob(f"*{SUFFIX}"))]


def find(name: str) -> Path:
    """Return the file that ``name`` means: a path, or a name out of :func:`known_models`."""
    path = Path(name)
    kept = folder() / f"{name.removesuffix(SUFFIX)}{SUFFIX}"
    return kept if not path.exists() and path.name == name and kept.exists() else path


def _model(path: Path) -> Model:
    from had_cli.weights import read_header

    try:
        header = read_header(path)
    except WeightsError as error:
        return Model(name=path.stem, path=path, error=str(error))
    scenes = tuple(str(scene["name"]) for scene in header.get("scenes", ()))
    return Model(name=path.stem, path=path, method=header["method"], scenes=scenes)
