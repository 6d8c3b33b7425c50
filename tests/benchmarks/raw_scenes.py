"""Raw scenes of any size on the disk, written a strip of rows at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from had_cli.formats.slab import ORDERS

COLS, BANDS, STRIP = 2000, 200, 50
PIXEL = 2 * BANDS  # bytes
HEADER = """ENVI
samples = {cols}
lines = {rows}
bands = {bands}
header offset = 0
data type = 2
interleave = {interleave}
byte order = 0
data ignore value = -9999
"""


def write_scene(folder: Path, interleave: str, rows: int, *, cols: int = COLS, bands: int = BANDS) -> Path:
    """Write correlated noise of 16-bit integers with a wedge of nodata; return the header's path."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(6, bands)).astype(np.float32)
    strip = rng.normal(size=(STRIP, cols, 6)).astype(np.float32) @ mixing * 300
    strip = (2000 + strip + 20 * rng.normal(size=strip.shape).astype(np.float32)).astype("<i2")
    folder.mkdir(parents=True, exist_ok=True)
    order = ORDERS[interleave]
    lengths = [(rows, cols, bands)[axis] for axis in order]
    with (folder / "scene.img").open("wb") as file:
        file.truncate(2 * rows * cols * bands)
    data = np.memmap(folder / "scene.img", "<i2", "r+", shape=tuple(lengths)).transpose(np.argsort(order))
    for row in range(0, rows, STRIP):
        strip[:, : row // 50] = -9999
        height = min(STRIP, rows - row)
        data[row : row + height] = strip[:height]
    data.base.flush()
    header = folder / "scene.hdr"
    header.write_text(HEADER.format(rows=rows, cols=cols, bands=bands, interleave=interleave))
    return header


def read_once(header: Path) -> int:
    """Read a scene's data, so that the system has them in memory; return their bytes."""
    size, buffer = 0, bytearray(2**22)
    with header.with_suffix(".img").open("rb", buffering=0) as file:
        while count := file.readinto(buffer):
            size += count
    return size
