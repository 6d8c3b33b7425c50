"""The files a run reads, which none of its outputs may replace."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from had_cli.errors import OutputError
from had_cli.scenes.source import ENVI_DATA


def refuse_inputs(output: str | Path, inputs: Iterable[tuple[str, str | Path | None]]) -> None:
    """Check that writing ``output`` replaces no other file of the run, under whatever name or link.

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
    """Return the files that an input may consist of: ENVI's two, where it is no other format."""
    from had_cli.plugin import host

    suffix = given.suffix.lower()
    if suffix != ".hdr" and any(suffix in reader.suffixes for reader in host.readers().values()):
        return [given]
    bare = Path(str(given)[: -len(given.suffix)]) if given.suffix else given
    if suffix != ".hdr":
        return [given, *(Path(f"{name}{end}") for name in (bare, given) for end in (".hdr", ".HDR"))]
    return [given, bare, *(Path(f"{bare}{s}") for end in ENVI_DATA for s in (end, end.upper()))]


def _same(one: Path, other: Path) -> bool:
    if one.absolute() == other.absolute():
        return True
    try:
        return one.samefile(other)
    except (OSError, ValueError):  # one of them does not exist, or is a URL
        return False
