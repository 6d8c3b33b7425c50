"""Writing cloud-optimised GeoTIFF (COG): tiles, overviews and an order that a server's clients read in parts.

Overviews want the whole raster, so it is written as a plain GeoTIFF first, and GDAL's COG driver makes the
result of that. The driver leaves out the IMAGERY metadata of the whole raster, unless it is told to leave
out all tags of the bands (COPY_SRC_MDD of GDAL 3.10); time and sensor stay as tags.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio.shutil

from had_cli.formats.geotiff import GeoTiffSink, refuse_holes, tile_edge, writable_type, writing
from had_cli.scenes.source import SceneInfo, Sink, Window


def create_cog(path: str, info: SceneInfo, dtype: np.dtype[Any]) -> Sink:
    """Return a sink for a COG with overviews and statistics."""
    return _CogSink(path, info, writable_type(path, dtype))


class _CogSink:
    def __init__(self, path: str, info: SceneInfo, dtype: np.dtype[Any]) -> None:
        self._path = path
        self._draft = Path(path).with_name(f".{Path(path).name}.draft")
        self._sink = GeoTiffSink(str(self._draft), info, dtype, statistics=True)
        self.block = self._sink.block
        # values of 8 bits may be classes, of which there is no mean
        resampling = "NEAREST" if dtype.itemsize == 1 else "AVERAGE"
        self._options = {
            "COMPRESS": "DEFLATE",
            "PREDICTOR": "YES",
            "BLOCKSIZE": tile_edge(info.shape[2], dtype.itemsize, 512),
            "BIGTIFF": "IF_SAFER",
            "OVERVIEWS": "IGNORE_EXISTING",
            "RESAMPLING": resampling,
            "NUM_THREADS": "ALL_CPUS",  # the bytes do not depend on it
        }

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        self._sink.write(window, block)

    def close(self) -> None:
        try:
            self._sink.close()
            with writing(self._path):
                rasterio.shutil.copy(self._draft, self._path, driver="COG", **self._options)
                refuse_holes(self._path)
        finally:
            self._draft.unlink(missing_ok=True)

    def abandon(self) -> None:
        """Release the file without the work of finishing it."""
        try:
            self._sink.abandon()
        finally:
            self._draft.unlink(missing_ok=True)
