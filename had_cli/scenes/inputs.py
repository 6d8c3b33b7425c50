"""The files a run reads, which none of its outputs may replace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from had_cli.errors import OutputError
from had_cli.scenes.source import ENVI_DATA


def refuse_inputs(output: str | Path, inputs: Iterable[tuple[str, str | Path | None]]) -> None:
    """Check that writing ``output`` replaces no file that is read, under whatever name or link.

    Parameters
    ----------
    inputs
        What each is, such as ``the scene``, and its path; None is none. ENVI rasters are two files,
        and either may have been named.

    Raises
    ------
    OutputError
        When it would.
    """
    for written in _written(Path(output)):
        for what, given in inputs:
            if given is not None and any(_same(written, file) for file in _files(Path(given))):
                does = "is" if written == Path(output) else f"would replace {written}, which is"
                raise OutputError(f"{output}: {does} {what} itself; give another name for the output")


def _written(output: Path) -> list[Path]:
    """Return the files that an output consists of."""
    return [output, output.with_suffix(".img")] if output.suffix.lower() == ".hdr" else [output]


def _files(given: Path) -> list[Path]:
    """Return the files that an input may consist of."""
    bare = Path(str(given)[: -len(given.suffix)]) if given.suffix else given
    if given.suffix.lower() != ".hdr":
        return [given, *(Path(f"{name}{suffix}") for name in (bare, given) for suffix in (".hdr", ".HDR"))]
    return [given, bare, *(Path(f"{bare}{s}") for suffix in ENVI_DATA for s in (suffix, suffix.upper()))]


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them does not exist, or is a URL
        return False
