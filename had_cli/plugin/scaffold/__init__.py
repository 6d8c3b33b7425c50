"""The first files of a new plugin: a distribution that installs, runs and passes its own tests."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from had_cli.errors import OutputError, OutputExistsError, UsageError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method

_PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "had-@NAME@"
version = "0.1.0"
description = "@NAME@ for had"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["had"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points."had.plugins"]
@NAME@ = "@PACKAGE@"

[tool.hatch.build.targets.wheel]
packages = ["@PACKAGE@"]
"""

_README = """\
# had-@NAME@

@WHAT@ `@NAME@`, as a plugin of `had`.

    pip install -e ".[test]"
    had plugins
    @TRY@
    pytest
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """What can be begun: its name in words, a command to try it, and which offers may have the name."""

    what: str
    attempt: str
    taken: str


KINDS: Mapping[str, Kind] = {
    "detector": Kind("The detector", "had detect -m @NAME@ --help", "methods"),
    "trained": Kind("The trained detector", "had train -m @NAME@ --help", "methods"),
    "reader": Kind("The scene format", "had info scene.@PLAIN@", "readers"),
    "writer": Kind("The raster format", "had convert scene.npy map.@PLAIN@", "writers"),
    "metric": Kind("The figure of merit", "had evaluate map.tif --truth truth.tif", "metrics"),
}


def new_plugin(name: str, folder: str | Path = ".", *, kind: str = "detector") -> Path:
    """Write a distribution ``had-NAME`` with a working plugin into ``folder`` and return its path.

    It does something small, with tests, ready to be replaced piece by piece.

    Parameters
    ----------
    name
        Of what it offers; a leading ``had-`` is taken for the distribution's.
    kind
        One of :data:`KINDS`.

    Raises
    ------
    UsageError
        When ``name`` cannot be one, belongs to an installed plugin, or there is no such kind.
    OutputExistsError, OutputError
        When the folder exists already or cannot be written.
    """
    if kind not in KINDS:
        raise UsageError(f"--kind takes one of {', '.join(KINDS)}, not {kind!r}")
    name = name.removeprefix("had-")
    try:
        Method(name=name, summary="s", paper="p", detect="m:f")
    except ValueError as error:
        raise UsageError(str(error).replace("method name", "name")) from None
    plain = name.replace("-", "_")
    if any({name, plain} & _names(attribute) for attribute in {KINDS[kind].taken, "methods"}):
        raise UsageError(f"an installed plugin has {name} already; choose another name")
    target = Path(folder) / f"had-{name}"
    if target.exists():
        raise OutputExistsError(f"{target}: exists already; choose another name or folder")
    files = import_module(f"had_cli.plugin.scaffold.{kind}").FILES
    texts = {"pyproject.toml": _PYPROJECT, "README.md": _README}
    texts |= {f"had_{plain}/{file}": text for file, text in files.items() if file != "test"}
    texts[f"tests/test_{plain}.py"] = files["test"]
    marks = {"@WHAT@": KINDS[kind].what, "@TRY@": KINDS[kind].attempt}
    marks |= {"@NAME@": name, "@PACKAGE@": f"had_{plain}", "@PLAIN@": plain.replace("_", "")}
    marks |= {"@METRIC@": plain}
    _write(target, {path: _filled(text, marks) for path, text in texts.items()})
    return target


def _names(attribute: str) -> set[str]:
    return {item.name for plugin in host.plugins() for item in getattr(plugin.offer, attribute)}


def _filled(text: str, marks: Mapping[str, str]) -> str:
    for mark, value in marks.items():
        text = text.replace(mark, value)
    return text


def _write(target: Path, texts: Mapping[str, str]) -> None:
    """Write all files or none."""
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    try:
        made = scratch / target.name
        for path, text in texts.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(text, encoding="utf-8")
        made.rename(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
