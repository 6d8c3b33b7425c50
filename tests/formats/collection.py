"""Files of a folder as other software left them, opened by us and by two peers, and what came of it.

A header without data is given a sparse data file of the size that it states, so that peers open it too. The
verdict of a file follows from what the peers say of it and from the reason that we give, never from its name.
"""

from __future__ import annotations

import gzip
import math
import re
import shutil
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.windows
import spectral.io.envi
from rasterio._err import CPLE_BaseError
from rasterio.errors import RasterioError

from had_cli.errors import HadError
from had_cli.scenes.open import open_scene
from had_cli.scenes.source import Window

ITEM_BYTES = {1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 6: 8, 9: 16, 12: 2, 13: 4, 14: 8, 15: 8}
SUFFIXES = ("", ".img", ".dat", ".bsq", ".bil", ".bip", ".raw", ".sli", ".tif")

# GDAL takes minutes to open a header of tens of thousands of bands; spectral is asked alone.
MANY = 4096

# Why a raster of three bands or more may be refused all the same.
DEFENSIBLE = re.compile(
    r"spectral library|complex values|no band but a mask|truncated|interleave is '\w+', not bsq|"
    r"data type \d+ is unknown"
)


@dataclass(frozen=True)
class Verdict:
    """What became of one file."""

    name: str
    ours: str  # "rows x cols x bands", or the line by which it is refused
    peer: str  # what a peer made of it, or nothing
    wrong: str = ""  # why our answer is wrong

    @property
    def accepted(self) -> bool:
        """Whether it was opened as a scene."""
        return bool(re.fullmatch(r"\d+ x \d+ x \d+", self.ours))


def judged(folder: Path, scratch: Path) -> Iterator[Verdict]:
    """Yield the verdict of every raster, array file and header in a folder."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".md":
            yield _judge(_with_data(path, scratch), str(path.relative_to(folder)))


def _judge(path: Path, name: str) -> Verdict:
    peer = (None if _bands(path) > MANY else _gdal(path)) or _spectral(path)
    try:
        with open_scene(path) as scene:
            rows, cols, bands = scene.source.info.shape
            corner = Window(max(0, cols - 2), max(0, rows - 2), min(2, cols), min(2, rows))
            pixels = scene.source.read(corner, np.arange(bands)[-3:])
            ours, centres = f"{rows} x {cols} x {bands}", scene.source.info.wavelengths
    except HadError as error:
        return Verdict(name, str(error).removeprefix(str(path)), _said(peer), _wrongly_refused(error, peer))
    except Exception as error:  # noqa: BLE001 - any other exception is what this looks for
        return Verdict(name, f"{type(error).__name__}: {error}", _said(peer), "an exception that is no line")
    if peer is not None and peer["library"]:
        return Verdict(name, ours, _said(peer), "a spectral library taken for a scene")
    if peer is not None and peer["shape"] != (rows, cols, bands):
        return Verdict(name, ours, _said(peer), "another shape than a peer's")
    if peer is not None and peer["centres"] is not None and not _agree(centres, peer["centres"]):
        return Verdict(name, ours, _said(peer), "other wavelengths than a peer's")
    if peer is not None and peer["corner"] is not None and not _same(pixels, peer["corner"]):
        return Verdict(name, ours, _said(peer), "other pixels than a peer's")
    return Verdict(name, ours, _said(peer))


def _same(ours: Any, theirs: Any) -> bool:
    return bool(np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"))


def _bands(path: Path) -> int:
    """Return how many bands a header states, 0 for other files."""
    header = path if path.suffix.lower() == ".hdr" else path.with_suffix(".hdr")
    return (_field(header.read_bytes().decode("latin-1"), "bands") or 0) if header.is_file() else 0


def _wrongly_refused(error: HadError, peer: dict[str, Any] | None) -> str:
    if "\n" in str(error):
        return "more than one line"
    if peer is None or peer["library"] or peer["shape"][2] < 3 or DEFENSIBLE.search(str(error)):
        return ""
    return "refused, though a peer opens it"


def _agree(ours: Any, theirs: Any) -> bool:
    # GDAL gives three digits of a micrometre
    return ours is not None and np.allclose(ours, theirs, rtol=0, atol=0.51)


def _said(peer: dict[str, Any] | None) -> str:
    if peer is None:
        return ""
    return "library" if peer["library"] else "{} x {} x {}".format(*peer["shape"])


# -- peers --------------------------------------------------------------------------------------
def _gdal(path: Path) -> dict[str, Any] | None:
    """Return what plain GDAL makes of a raster; of a header, through its data file."""
    target = path if path.suffix.lower() != ".hdr" else _data_of(path)
    if target is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with rasterio.Env(CPL_VSIL_GZIP_WRITE_PROPERTIES="NO"), rasterio.open(target) as raster:
                if not raster.count:
                    return None
                imagery = [raster.tags(i, ns="IMAGERY").get("CENTRAL_WAVELENGTH_UM") for i in raster.indexes]
                centres = [1000 * float(v) for v in imagery] if all(imagery) else None
                if centres is not None and not (np.isfinite(centres).all() and min(centres) > 0):
                    centres = None
                alpha = sum(c.name == "alpha" for c in raster.colorinterp)
                shape = raster.height, raster.width, raster.count - alpha
                library = "library" in raster.tags(ns="ENVI").get("file_type", "").lower()
                centres = None if alpha else centres
                corner = None if alpha else _corner(raster)
                return {"shape": shape, "library": library, "centres": centres, "corner": corner}
        except (RasterioError, CPLE_BaseError, UnicodeError):
            return None


def _corner(raster: Any) -> Any:
    """Return the last pixels of the last three bands, rows x cols x bands."""
    rows, cols = min(2, raster.height), min(2, raster.width)
    window = rasterio.windows.Window(raster.width - cols, raster.height - rows, cols, rows)
    return raster.read(list(raster.indexes)[-3:], window=window).transpose(1, 2, 0)


def _spectral(path: Path) -> dict[str, Any] | None:
    header = path if path.suffix.lower() == ".hdr" else path.with_suffix(".hdr")
    if not header.is_file():
        return None
    data = path if path != header else _data_of(header)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            opened = spectral.io.envi.open(header, data)
    except Exception:  # noqa: BLE001 - a peer raises what it likes
        return None
    if isinstance(opened, spectral.io.envi.SpectralLibrary):
        return {"shape": (*opened.spectra.shape, 1), "library": True, "centres": None, "corner": None}
    return {"shape": tuple(opened.shape), "library": False, "centres": None, "corner": None}


# -- data of headers ----------------------------------------------------------------------------
def _with_data(path: Path, scratch: Path) -> Path:
    """Return the path to open: of a header without data, a copy beside a sparse data file."""
    if path.suffix.lower() != ".hdr" or _data_of(path) is not None:
        return path
    text = path.read_bytes().decode("latin-1")
    folder = scratch / f"{len(list(scratch.iterdir()))}"
    folder.mkdir()
    copy = Path(shutil.copy(path, folder / f"a{path.suffix}"))
    size = _stated_size(text)
    if size is None:
        return copy
    data = folder / ("a.sli" if re.search(r"file type\s*=\s*envi spectral", text, re.IGNORECASE) else "a.img")
    if re.search(r"^file type\s*=\s*tiff", text, re.IGNORECASE | re.MULTILINE):
        _sparse_tiff(folder / "a.tif", text)
    elif re.search(r"^file compression\s*=\s*1", text, re.IGNORECASE | re.MULTILINE):
        with gzip.open(data, "wb", compresslevel=1) as file:
            for start in range(0, size, 2**20):
                file.write(bytes(min(2**20, size - start)))
    else:
        with data.open("wb") as file:
            file.truncate(size)
    return copy


def _data_of(header: Path) -> Path | None:
    bare = header.with_suffix("")
    return next((p for s in SUFFIXES if (p := Path(f"{bare}{s}")).is_file()), None)


def _field(text: str, *names: str) -> int | None:
    for name in names:
        found = re.search(rf"^\s*{name}\s*=?\s*(\d+)", text, re.IGNORECASE | re.MULTILINE)
        if found:
            return int(found.group(1))
    return None


def _stated_size(text: str) -> int | None:
    counts = [
        _field(text, "samples", "NCOLS"),
        _field(text, "lines", "NROWS"),
        _field(text, "bands", "NBANDS"),
    ]
    bits = _field(text, "NBITS")
    item = bits // 8 if bits else ITEM_BYTES.get(_field(text, "data type") or 0)
    if item is None or any(count is None for count in counts):
        return None
    return (_field(text, "header offset") or 0) + math.prod(c for c in counts if c is not None) * item


def _sparse_tiff(path: Path, text: str) -> None:
    kinds = {1: "uint8", 2: "int16", 3: "int32", 4: "float32", 5: "float64", 12: "uint16"}
    profile = {
        "width": _field(text, "samples"),
        "height": _field(text, "lines"),
        "count": _field(text, "bands"),
        "dtype": kinds[_field(text, "data type") or 1],
        "sparse_ok": True,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with rasterio.open(path, "w", driver="GTiff", **profile):
            pass
