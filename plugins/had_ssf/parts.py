"""The maps that a score is made of, as a raster."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Scene, Window, create_raster, map_info
from had_ssf.fusion import pieces


def save_parts(path: Path, scene: Scene, layers: npt.NDArray[np.float32], names: tuple[str, ...]) -> None:
    """Write ``layers``, rows x cols x k and NaN where invalid, as bands of these names.

    Raises
    ------
    OutputError
        When the file exists or cannot be written.
    """
    info = dataclasses.replace(
        map_info(scene.info, layers=len(names), tags={"had_method": "ssf"}), band_names=names
    )
    with create_raster(path, info, np.dtype(np.float32)) as sink:
        for rows in pieces(layers.shape):
            window = Window(0, rows.start, layers.shape[1], rows.stop - rows.start)
            sink.write(window, np.ascontiguousarray(layers[rows]))
