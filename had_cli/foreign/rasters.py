"""What GDAL would follow from a local file: pipes beside it, virtual rasters, descriptions of services.

GDAL opens whatever a virtual raster names: a pipe, where it waits for ever, or a URL, which tells a stranger
that the file was opened. It looks for companions beside a file, too.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from had_cli.errors import SceneError

_HDF5 = b"\x89HDF\r\n\x1a\n"
_HDF5_PLACES = (0, 512, 1024, 2048)
_VRT = re.compile(rb"<VRTDataset|<GDALTileIndexDataset", re.IGNORECASE)
_NETWORK = re.compile(r"/vsi(curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)|[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_NAMES_A_SOURCE = {"sourcefilename", "sourcedataset", "indexdataset"}
_HEAD = 1 << 16
_MOST = 100_000
_COMPANIONS = (".aux.xml", ".msk", ".ovr", ".hdr", ".rpb", ".json")
_SIBLINGS = (".hdr", ".aux", ".prj", ".wld", ".tfw", ".tifw", ".rpb", ".imd", ".stx", ".clr")

# These open local files that are descriptions of services on the network.
NETWORK_DRIVERS = frozenset(
    {"DAAS", "EEDA", "EEDAI", "HTTP", "NGW", "OGCAPI", "PLMOSAIC", "STACIT", "STACTA", "WCS", "WMS", "WMTS"}
)


def refuse_elsewhere(path: str) -> bool:
    """Check that GDAL may open ``path``, and return whether it is a file on this machine.

    Raises
    ------
    SceneError
        When it would be led to a pipe, to the network, or to a part of an HDF5 file that lies elsewhere.
    """
    file = Path(path)
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            return False
    except (OSError, ValueError):  # a URL, or a name of GDAL's
        return False
    _check(file, path)
    return True


def _check(file: Path, path: str) -> None:
    seen: set[str] = set()
    waiting = [file]
    while waiting:
        here = waiting.pop()
        if os.path.realpath(here) in seen:
            continue
        seen.add(os.path.realpath(here))
        if len(seen) > _MOST:
            raise SceneError(f"{path}: leads to more than {_MOST} files; name one of them")
        for other in (here, *_beside(here)):
            _refuse_special(other, path)
        if not here.is_file():
            continue
        head = _head(here)
        if any(head[place:].startswith(_HDF5) for place in _HDF5_PLACES):
            _check_hdf5(here, path)
        elif _VRT.search(head):
            waiting += _sources(here, path)


def _beside(file: Path) -> Iterator[Path]:
    if not file.name:
        return
    for end in _COMPANIONS:
        yield Path(f"{file}{end}")
    for end in _SIBLINGS:
        yield file.with_suffix(end)
        yield file.with_suffix(end.upper())


def _refuse_special(file: Path, path: str) -> None:
    try:
        mode = file.stat().st_mode
    except (OSError, ValueError):  # GDAL will say so, or do without
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        leads = "" if str(file) == path else f"leads to {file}, which "
        raise SceneError(f"{path}: {leads}is no regular file; save it as one, or remove it")


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_HEAD)
    except OSError:
        return b""


def _check_hdf5(file: Path, path: str) -> None:
    from had_cli.foreign.hdf5 import open_guarded

    try:
        open_guarded(str(file)).close()
    except SceneError:
        raise
    except OSError as error:
        raise SceneError(
            f"{path}: cannot be read as HDF5 ({' '.join(str(error).split())}); it is damaged, copy it again"
        ) from error


def _sources(file: Path, path: str) -> Iterator[Path]:
    """Yield the files that a virtual raster names."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    try:
        for _, element in iterparse(file, forbid_dtd=True):
            if element.tag.lower() in _NAMES_A_SOURCE and element.text:
                yield from _local(element.text.strip(), file, path)
            element.clear()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise SceneError(
            f"{path}: cannot be read as a virtual raster ({' '.join(str(error).split())}); correct it"
        ) from error


def _local(source: str, file: Path, path: str) -> Iterator[Path]:
    if _NETWORK.search(source) and not source.startswith("file:"):
        raise SceneError(
            f"{path}: leads to {source[:200]} on the network, which no file may ask for; "
            "name that itself, or fetch it first"
        )
    if source.startswith("/vsistdin"):
        raise SceneError(f"{path}: leads to standard input; name a file in it")
    # NETCDF:"name.nc":variable, /vsizip/name.zip/inside: each part that is a file
    names = [source, *re.findall(r'"([^"]+)"', source), *source.split(":")]
    if source.startswith("/vsi"):
        inside = Path("/", *Path(source).parts[2:])
        names += [name for parent in inside.parents for name in (str(parent), str(parent).lstrip("/"))]
    for place in dict.fromkeys(file.parent / name for name in names):  # a name may be absolute
        with contextlib.suppress(OSError, ValueError):
            if place.exists() and not place.is_dir():
                yield place
