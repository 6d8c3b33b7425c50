"""The files a run reads, which none of its outputs may replace."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from had_cli.errors import OutputError
from had_cli.files import SHAPEFILE, printable
from had_cli.scenes.output import COMPANIONS
from had_cli.scenes.source import ENVI_DATA

Named = tuple[str, str | Path | None]
"""What a file is, such as ``the scene``, and its path; None where there is none."""

_SIDECARS = {".npy": ".json"}


def refuse_inputs(output: str | Path | None, inputs: Iterable[Named]) -> None:
    """Check that writing ``output`` replaces no other file of the run, under whatever name or link.

    Parameters
    ----------
    inputs
        The other files. ENVI rasters are two, and either may have been named; what lies beside a
        raster (sidecars, statistics, the sources of a VRT) counts as well. Of a folder, all files in
        it count.

    Raises
    ------
    OutputError
        When it would; the message names both.
    """
    if output is None:
        return
    output = Path(output)
    for written in _written(output):
        for what, given in inputs:
            if given is not None and any(_same(written, file) for file in _files(_local(given))):
                does = "is" if written == output else f"would replace {printable(written)}, which is"
                does = "is a folder that holds" if written.is_dir() else does
                raise OutputError(
                    f"{printable(output)}: {does} {what} itself ({printable(given)}); "
                    "give another name for the output"
                )


def refuse_clashes(outputs: Iterable[Named], inputs: Iterable[Named]) -> None:
    """Check that no output of a run replaces an input or another output.

    Raises
    ------
    OutputError
        As :func:`refuse_inputs`.
    """
    before = list(inputs)
    for what, output in outputs:
        refuse_inputs(output, before)
        before.append((what, output))


def refuse_within(output: str | Path, folders: Iterable[Named]) -> None:
    """Check that ``output`` lies in no folder that a run keeps for itself, whether that is there yet or not.

    Raises
    ------
    OutputError
        When it does.
    """
    for what, folder in folders:
        if folder is not None and Path(output).resolve().is_relative_to(Path(folder).resolve()):
            raise OutputError(
                f"{printable(output)}: lies in {what} ({printable(folder)}); name a file outside of it"
            )


def _local(given: str | Path) -> Path:
    text = str(given)
    return Path(unquote(urlsplit(text).path)) if text.startswith("file://") else Path(text)


def _written(output: Path) -> Iterator[Path]:
    """Yield the files that an output consists of, or that go when it is replaced."""
    suffix = output.suffix.lower()
    yield output
    if suffix == ".hdr":
        yield output.with_suffix(".img")
    if suffix == ".shp":
        yield from (output.with_suffix(end) for end in SHAPEFILE)
    for end in (_SIDECARS.get(suffix), *COMPANIONS):
        if end is not None:
            yield output.with_name(output.name + end)


def _files(given: Path) -> Iterator[Path]:
    """Yield the files that an input may consist of: ENVI's two, where it is no other format."""
    from had_cli.plugin import host

    yield given
    suffix = given.suffix.lower()
    if suffix == ".vrt":
        yield from _sources(given)
    if suffix == ".shp":
        yield from (given.with_suffix(end) for end in SHAPEFILE)
    for end in (_SIDECARS.get(suffix), *COMPANIONS):
        if end is not None:
            yield Path(f"{given}{end}")
    if suffix != ".hdr" and any(suffix in reader.suffixes for reader in host.readers().values()):
        return
    bare = Path(str(given)[: -len(given.suffix)]) if given.suffix else given
    if suffix != ".hdr":
        yield from (Path(f"{name}{end}") for name in (bare, given) for end in (".hdr", ".HDR"))
    else:
        yield bare
        yield from (Path(f"{bare}{s}") for end in ENVI_DATA for s in (end, end.upper()))


def _sources(given: Path) -> Iterator[Path]:
    """Yield the files that GDAL opens behind a virtual raster; none where it cannot be opened at all."""
    import rasterio
    from rasterio.errors import RasterioError

    if not given.is_file():
        return
    try:
        with warnings.catch_warnings(action="ignore"), rasterio.Env(), rasterio.open(given) as raster:
            files = list(raster.files)
    except RasterioError:  # whoever reads it will tell why
        return
    yield from map(Path, files)


def _same(one: Path, other: Path) -> bool:
    try:
        if os.path.realpath(one) == os.path.realpath(other):
            return True
        if one.is_dir() and other.resolve().is_relative_to(one.resolve()):  # a store that holds an input
            return True
        if other.is_dir():
            return os.path.lexists(one) and one.resolve().is_relative_to(other.resolve())
        return one.samefile(other)
    except (OSError, ValueError):  # one of them does not exist, or is a URL
        return False
