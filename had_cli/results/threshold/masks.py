"""The mask that a threshold makes of a score map, as a raster."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli._version import __version__
from had_cli.results.threshold.choice import Threshold
from had_cli.scenes.output import create_raster, map_info
from had_cli.scenes.source import SceneInfo, Window

NODATA = 255
"""Where there is no score; 1 is anomalous, 0 is not."""

_STRIP = 256  # rows written at a time


def save_mask(
    path: str | Path,
    mask: npt.NDArray[np.bool_],
    valid: npt.NDArray[np.bool_],
    found: Threshold,
    info: SceneInfo,
    *,
    tags: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a mask as uint8: 1 anomalous, 0 background, 255 (nodata) where there is no score.

    Parameters
    ----------
    mask, valid
        rows x cols: the anomalous pixels, and those with a score.
    found
        The threshold, told in the file's tags.
    info
        Of the scene or score map: gives CRS and transform.
    tags
        Tags of the score map, carried along.

    Raises
    ------
    OutputExistsError
        When ``path`` exists and ``overwrite`` is false.
    OutputError
        When its folder is missing or the format is unknown.
    """
    rows, cols = mask.shape
    info = dataclasses.replace(
        map_info(info, tags={**(tags or {}), **threshold_tags(found)}),
        path=str(path),
        format="mask",
        shape=(rows, cols, 1),
        dtype=np.dtype(np.uint8),
        nodata=float(NODATA),
        band_names=("anomalous",),
    )
    with create_raster(path, info, np.dtype(np.uint8), overwrite=overwrite) as sink:
        for row in range(0, rows, _STRIP):
            part = slice(row, min(row + _STRIP, rows))
            stored = np.where(valid[part], mask[part], NODATA).astype(np.uint8)
            sink.write(Window(0, row, cols, part.stop - row), stored[..., None])
    return Path(path)


def threshold_tags(found: Threshold) -> dict[str, str]:
    """Return the provenance of a mask."""
    interval: Any = None if found.interval is None else list(found.interval)
    return {
        "had_version": __version__,
        "had_threshold_rule": str(found.rule),
        "had_threshold": repr(found.value),
        "had_threshold_interval": json.dumps(interval),
    }
