"""Copying a scene into another format, block by block, with everything known of it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError, UsageError
from had_cli.scenes.inputs import refuse_inputs
from had_cli.scenes.open import Bands, choose_bands, open_source
from had_cli.scenes.output import check_raster_path, create_raster
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import SceneInfo, Source, Window

Progress = Callable[[str, float], None]

# A block is held a few times over (read, cast, reordered, in GDAL's cache): about 256 MB in all.
BLOCK_BYTES = 32 * 1024 * 1024

_INTERLEAVES = {"bsq": "bsq", "bil": "bil", "bip": "bip", "band": "bsq", "pixel": "bip"}


@dataclass(frozen=True, slots=True)
class Conversion:
    """A finished copy: where it lies, and what the user should know of it, one line each."""

    path: Path
    notes: tuple[str, ...] = ()


def convert(
    source: str | Path,
    destination: str | Path,
    *,
    overwrite: bool = False,
    variable: str | None = None,
    truth_variable: str | None = None,
    bands: Bands | None = None,
    exclude_bands: Bands | None = None,
    window: Window | Sequence[int] | None = None,
    dtype: npt.DTypeLike | None = None,
    interleave: str | None = None,
    cog: bool = False,
    progress: Progress | None = None,
) -> Conversion:
    """Copy a scene to ``destination``, in the format its suffix names.

    Values are copied as stored, scale and offset beside them. Bad bands are copied as well and stay
    marked, unless ``bands`` or ``exclude_bands`` leave them out.

    Parameters
    ----------
    dtype
        Of the copy; default: as stored. Integers are refused where a value would not survive.
    interleave
        ``bsq``, ``bil``, ``bip``, ``band`` or ``pixel``; default: the source's, where the format has
        it. GeoTIFF knows the last two, and ENVI calls them bsq and bip.
    cog
        Make a .tif a cloud-optimised GeoTIFF, with overviews and statistics.
    progress
        Called as ``progress("converting", fraction)``.
    bands, exclude_bands, window, variable, truth_variable
        As in :func:`had_cli.scenes.open.open_scene`.

    Raises
    ------
    SceneError
        When the source cannot be read, or its values do not fit ``dtype``.
    OutputError
        When the destination cannot be written, or is the source, whatever ``overwrite`` says.
    """
    if interleave is not None and interleave not in _INTERLEAVES:
        raise UsageError(f"--interleave takes one of {', '.join(_INTERLEAVES)}, not {interleave!r}")
    refuse_inputs(destination, [("the source", source)])
    check_raster_path(Path(destination), overwrite=overwrite, cog=cog)
    opened = open_source(source, {"variable": variable, "truth_variable": truth_variable})
    try:
        # the copy keeps bad bands: nothing may go missing that the user did not name
        chosen = choose_bands(dataclasses.replace(opened.info, bad_bands=None), bands, exclude_bands)
        scene = Scene(opened, bands=np.arange(opened.info.shape[2]) if chosen is None else chosen)
        if window is not None:
            if len(window) != 4:
                raise UsageError(f"a window is (col, row, width, height), not {tuple(window)}")
            scene = scene.select(window=Window(*window))
        kind = np.dtype(scene.info.dtype if dtype is None else dtype)
        if kind.kind == "f" and kind.itemsize > 8:
            raise SceneError(f"{opened.info.path}: no format holds {kind.name}; give --dtype float64")
        info = dataclasses.replace(
            scene.info, interleave=_INTERLEAVES.get(interleave or "", scene.info.interleave)
        )
        fill = _fill(opened, info, kind)
        with create_raster(destination, info, kind, overwrite=overwrite, cog=cog) as sink:
            own_block = getattr(sink, "block", None)
            keeps_truth = getattr(sink, "keeps_truth", False)
            item = max(kind.itemsize, info.dtype.itemsize)
            parts = list(windows(info.shape, item, info.block, own_block))
            for done, part in enumerate(parts):
                sink.write(part, _block(scene, part, kind, fill))
                if progress is not None:
                    progress("converting", (done + 1) / len(parts))
    finally:
        opened.close()
    notes = list(info.notes)
    if info.truth is not None and not keeps_truth:
        notes.append(f"{destination}: the format holds no truth; it stays in {source}")
    return Conversion(Path(destination), tuple(notes))


def windows(
    shape: tuple[int, int, int],
    itemsize: int,
    source_block: tuple[int, int] | None,
    sink_block: tuple[int, int] | None,
    limit: int = BLOCK_BYTES,
) -> Iterator[Window]:
    """Yield windows over a scene, row by row, each a multiple of the natural blocks of both sides.

    Tiles that are written in two halves are compressed twice and leave a hole in the file, so where
    both cannot be had the sink's blocks count.
    """
    rows, cols, bands = shape
    pixels = max(1, limit // (bands * itemsize))
    own, other = sink_block or (1, 1), source_block or (1, 1)
    steps = [(math.lcm(own[0], other[0]), math.lcm(own[1], min(other[1], cols))), own, (1, 1)]
    high, wide = next((h, w) for h, w in steps if min(h, rows) * min(w, cols) <= pixels or (h, w) == (1, 1))
    width = min(cols, max(1, pixels // min(high, rows) // wide) * wide)
    height = min(rows, max(1, pixels // width // high) * high)
    for row in range(0, rows, height):
        for col in range(0, cols, width):
            yield Window(col, row, min(width, cols - col), min(height, rows - row))


def _block(scene: Scene, part: Window, kind: np.dtype[Any], fill: float | None) -> npt.NDArray[Any]:
    there = Window(scene.window.col + part.col, scene.window.row + part.row, part.width, part.height)
    count = scene.source.info.shape[2]
    block = scene.source.read(there, None if len(scene.bands) == count else scene.bands)
    if block.dtype != kind:
        with np.errstate(invalid="ignore", over="ignore"):
            cast = block.astype(kind)
        if not _survives(block, cast, scene.source.info.nodata):
            raise SceneError(
                f"{scene.path}: holds values that do not fit {kind.name}; choose a wider --dtype"
            )
        block = cast
    valid = scene.source.valid(there)
    if valid is not None and not valid.all():
        block = block.copy()
        block[~valid] = fill
    return block


def _survives(block: npt.NDArray[Any], cast: npt.NDArray[Any], nodata: Any) -> bool:
    """Return whether no integer changed, and no number became infinite but nodata."""
    if cast.dtype.kind in "iub":
        return np.array_equal(cast.astype(block.dtype), block)
    lost = np.isinf(cast) & np.isfinite(block)
    if lost.any() and nodata is not None and not isinstance(nodata, tuple):
        lost &= block != nodata
    return not lost.any()


def _fill(source: Source, info: SceneInfo, kind: np.dtype[Any]) -> float | None:
    """Return the value of pixels that the file's own mask leaves out."""
    rows, cols, _ = source.info.shape
    if source.valid(Window(0, 0, min(1, cols), min(1, rows))) is None:
        return None
    if kind.kind == "f":
        return math.nan
    if info.nodata is None or isinstance(info.nodata, tuple):
        raise SceneError(
            f"{info.path}: carries a mask but no nodata value to keep it by; give --dtype float32"
        )
    return info.nodata
