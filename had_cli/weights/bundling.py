"""Trained weights put into the package of the plugin that they are for."""

from __future__ import annotations

import hashlib
import json
import runpy
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from had_cli.errors import HadError, OutputError, UsageError
from had_cli.files import write_whole
from had_cli.plugin import host
from had_cli.plugin.descriptions import BundledWeights
from had_cli.weights.file import Weights
from had_cli.weights.models import SUFFIX, find_weights
from had_cli.weights.probe import probed

FOLDER = "bundled"  # a package beside the method's modules
_LIST = '''"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.plugin import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = ({entries})
'''
_ENTRY = """
    BundledWeights(
        name="{0.name}",
        file="{0.file}",
        sha256="{0.sha256}",{1}
    ),"""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What was written: the weights, where they lie, and the package that lists them."""

    weights: Weights
    path: Path
    package: str
    declared: bool  # whether the method's description takes the list already


def bundle_weights(
    source: str | Path, *, name: str | None = None, first: bool = False, overwrite: bool = False
) -> Bundle:
    """Put weights, with their probe, into the package of their method, and list them there.

    Parameters
    ----------
    source
        A weights file, or a name.
    name
        What they will be called; default: as the file.
    first
        Make them the default, which is else the one bundled first.

    Raises
    ------
    WeightsError
        When they cannot be read.
    UsageError
        When the name is not one for weights of their method.
    HadError
        When the probe cannot be computed: what cannot be verified is not bundled.
    OutputError
        When the package cannot be found or written to, or has weights of this name without ``overwrite``.
    """
    weights = find_weights(source).load()
    method = host.method(weights.method)
    top = method.detect.partition(":")[0].partition(".")[0]
    package = f"{top}.{FOLDER}"
    name = name or Path(source).name.removesuffix(SUFFIX)
    try:
        entry = BundledWeights(name=name, file=f"{package}:{name}{SUFFIX}", sha256="0" * 64)
        replace(method, bundled=(entry,))
    except ValueError as error:
        raise UsageError(f"--name {name}: {error}") from error
    header = probed(weights, _refuse)
    folder = _folder(top)
    saved = replace(weights, header=header).save(folder / f"{name}{SUFFIX}", overwrite=overwrite)
    listed = {entry.name: entry for entry in _listed(folder)}
    others = [other for other in listed if other != name]
    ordered = [name, *others] if first else list(listed) if name in listed else [*listed, name]
    _write_list(folder, package, ordered, listed)
    path = folder / f"{name}{SUFFIX}"
    declared = name in {w.name for w in method.bundled} or package in _source(top)
    return Bundle(weights=saved, path=path, package=package, declared=declared)


def _folder(top: str) -> Path:
    """Return the folder of the list, made if need be."""
    spec = find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        raise OutputError(
            f"{top}: is a module and no package, so it has no place for files; make it a package"
        )
    folder = Path(next(iter(spec.submodule_search_locations))) / FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: this folder cannot be made ({error.strerror})") from error
    return folder


def _source(top: str) -> str:
    spec = find_spec(top)
    return Path(spec.origin).read_text(encoding="utf-8") if spec is not None and spec.origin else ""


def _listed(folder: Path) -> Sequence[BundledWeights]:
    """Return what is listed and there."""
    file = folder / "__init__.py"
    if not file.exists():
        return ()
    found = runpy.run_path(str(file)).get("BUNDLED", ())
    return [entry for entry in found if (folder / f"{entry.name}{SUFFIX}").exists()]


def _write_list(
    folder: Path, package: str, names: Sequence[str], before: Mapping[str, BundledWeights]
) -> None:
    """Write the list; what a person has said of weights stays."""
    entries = []
    for name in names:
        digest = hashlib.sha256((folder / f"{name}{SUFFIX}").read_bytes()).hexdigest()
        entry = BundledWeights(name=name, file=f"{package}:{name}{SUFFIX}", sha256=digest)
        said = before.get(name, entry)
        texts = "".join(_text(field, getattr(said, field)) for field in ("good", "poor"))
        entries.append(_ENTRY.format(entry, texts))
    text = _LIST.format(entries="".join(entries) + "\n")
    write_whole(folder / "__init__.py", text.encode(), overwrite=True)


def _text(field: str, text: str) -> str:
    """Return a field of an entry as source, in lines of moderate length."""
    if not text:
        return ""
    lines = textwrap.wrap(text, 80, drop_whitespace=False, break_long_words=False)
    if len(lines) == 1:
        return f"\n        {field}={json.dumps(text, ensure_ascii=False)},"
    source = "".join(f"\n            {json.dumps(line, ensure_ascii=False)}" for line in lines)
    return f"\n        {field}=({source}\n        ),"


def _refuse(line: str) -> None:
    raise HadError(f"what cannot be verified is not bundled: {line}")
