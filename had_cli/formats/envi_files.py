"""The files of an ENVI raster: which header belongs to which data, and data that are not raw.

https://www.nv5geospatialsoftware.com/docs/enviheaderfiles.html, fields "file type" and "file compression".
"""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import weakref
import zlib
from pathlib import Path

from had_cli.errors import SceneError
from had_cli.formats.envi_header import Header, begins

# Where the data of NAME.hdr are looked for; the bare NAME comes last.
DATA_SUFFIXES = (
    ".img",
    ".dat",
    ".bsq",
    ".bil",
    ".bip",
    ".raw",
    ".bin",
    ".cube",
    ".rfl",
    ".rdn",
    ".flt",
    ".sli",
    "",
)
TIFF_SUFFIXES = (".tif", ".tiff")

_LIBRARY_SUFFIXES = (".sli", ".slb")
_PYRAMID = ".enp"
_GZIP = b"\x1f\x8b"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def header_beside(data: Path, notes: list[str] | None = None) -> Path | None:
    """Return the ENVI header of a data file, or None; of several the first, and note the choice."""
    if data.suffix.lower() == ".hdr":
        return None
    names = [Path(f"{bare}{end}") for end in (".hdr", ".HDR") for bare in (data.with_suffix(""), data)]
    found = [path for path in names if path.is_file() and _is_header(path)]
    # a file system that ignores case shows one file under two names
    others = [path.name for path in found[1:] if not path.samefile(found[0])]
    if others and notes is not None:
        notes.append(
            f"{found[0].name} is taken as the header of {data.name}; also there: {', '.join(others)}"
        )
    return found[0] if found else None


def _is_header(path: Path) -> bool:
    with path.open("rb") as file:
        return begins(file)


def candidates(header: Path, suffixes: tuple[str, ...] = DATA_SUFFIXES) -> list[Path]:
    """Return the files beside a header that can be its data."""
    bare = header.with_suffix("")
    names = [
        Path(f"{bare}{cased}") for suffix in suffixes for cased in dict.fromkeys((suffix, suffix.upper()))
    ]
    found = [path for path in names if path.is_file()]
    # a file system that ignores case shows one file under two names
    return [path for i, path in enumerate(found) if not any(path.samefile(other) for other in found[:i])]


def data_beside(header: Path, needed: int | None, notes: list[str], *, tiff: bool = False) -> Path:
    """Return the data file of a header, the one of ``needed`` bytes among several, and note the choice.

    Raises
    ------
    SceneError
        When there is none.
    """
    found = candidates(header, TIFF_SUFFIXES + DATA_SUFFIXES if tiff else DATA_SUFFIXES)
    if not found:
        bare = header.with_suffix("")
        raise SceneError(
            f"{header}: there is no data file {bare.name} (or {bare.name}.img, .dat, ...) beside it"
        )
    if len(found) > 1:
        found.sort(key=lambda path: path.stat().st_size != needed)
        others = ", ".join(path.name for path in found[1:])
        notes.append(f"{found[0].name} is taken as the data of {header.name}; also there: {others}")
    return found[0]


def refuse_no_scene(data: Path, header: Header) -> None:
    """Refuse spectral libraries and pyramids, which have the header of a raster and are none.

    Raises
    ------
    SceneError
        When this is one.
    """
    if data.suffix.lower() == _PYRAMID:
        raise SceneError(f"{data}: is an ENVI pyramid, a reduced copy for display; name the scene itself")
    kind = (header.text("file type") or "").lower()
    library = "spectral library" in kind
    if library or (data.suffix.lower() in _LIBRARY_SUFFIXES and header.text("bands") in {None, "1"}):
        size = f" ({header.text('lines')} spectra of {header.text('samples')} values)"
        raise SceneError(
            f"{data}: is a spectral library{size}, not a scene: its spectra lie nowhere; name a raster"
        )
    if kind in {"envi meta", "envi virtual mosaic", "envi mosaic template", "envi vector"}:
        raise SceneError(
            f"{data}: is of file type {kind!r} and holds no pixels itself; name the raster it stands for"
        )


def is_tiff(data: Path) -> bool:
    """Return whether a data file is a TIFF, which some programs put an ENVI header beside."""
    with data.open("rb") as file:
        return file.read(4) in _TIFF


def is_gzip(data: Path) -> bool:
    """Return whether a data file is compressed by gzip."""
    with data.open("rb") as file:
        return file.read(2) == _GZIP


def unpacked(data: Path, needed: int, owner: object) -> Path:
    """Return a temporary copy of compressed data, which lives as long as ``owner``.

    gzip cannot be read from the middle, and windows are.

    Raises
    ------
    SceneError
        When the data are damaged, shorter than ``needed`` bytes, or do not fit on the disk.
    """
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if needed > free:
        raise SceneError(
            f"{data}: takes {needed / 1e9:.1f} GB unpacked, but {tempfile.gettempdir()} has "
            f"{free / 1e9:.1f} GB free; unpack it yourself, or set TMPDIR to another folder"
        )
    handle, name = tempfile.mkstemp(prefix="had-", suffix=".img")
    weakref.finalize(owner, Path(name).unlink, missing_ok=True)
    try:
        with os.fdopen(handle, "wb") as copy, gzip.open(data) as packed:
            shutil.copyfileobj(packed, copy, 2**20)
            size = copy.tell()
    except (OSError, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split())
        raise SceneError(f"{data}: its compressed data cannot be read ({reason}); copy it again") from error
    if size < needed:
        raise SceneError(
            f"{data}: the file is truncated: {size} bytes unpacked where its header asks for {needed}; "
            "copy it again"
        )
    return Path(name)
