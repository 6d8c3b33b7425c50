"""Statistics of the bands of a raster while it is written, as GDAL keeps them in its tags."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


class BandStatistics:
    """Extremes, mean and deviation of each band over its valid pixels.

    Blocks are merged by Chan's formulas (Chan, Golub and LeVeque, 1983), so the result does not depend on
    how a raster is cut.
    """

    def __init__(self, bands: int, nodata: float | None) -> None:
        self._nodata = nodata
        self._pixels = 0
        self._count = np.zeros(bands)
        self._mean, self._squares = np.zeros(bands), np.zeros(bands)
        self._low, self._high = np.full(bands, np.inf), np.full(bands, -np.inf)

    def add(self, block: npt.NDArray[Any]) -> None:
        """Take in height x width x bands as stored."""
        self._pixels += block.shape[0] * block.shape[1]
        for band in range(block.shape[2]):
            values = block[..., band]
            valid = np.isfinite(values)
            if self._nodata is not None and math.isfinite(self._nodata):
                valid &= values != self._nodata
            with np.errstate(over="ignore", invalid="ignore"):  # squares of doubles beyond what doubles hold
                self._merge(band, values[valid].astype(np.float64))

    def _merge(self, band: int, values: Floats) -> None:
        if not values.size:
            return
        mean = float(values.mean())
        before, count = self._count[band], self._count[band] + values.size
        apart = mean - self._mean[band]
        self._squares[band] += float(((values - mean) ** 2).sum()) + apart**2 * before * values.size / count
        self._mean[band] += apart * values.size / count
        self._count[band] = count
        self._low[band] = min(self._low[band], float(values.min()))
        self._high[band] = max(self._high[band], float(values.max()))

    def tags(self, band: int) -> dict[str, str]:
        """Return GDAL's tags of a 0-based band; none without a valid pixel, or where squares overflow."""
        count = self._count[band]
        if not count or not math.isfinite(self._squares[band]):
            return {}
        numbers = {
            "MINIMUM": self._low[band],
            "MAXIMUM": self._high[band],
            "MEAN": self._mean[band],
            "STDDEV": math.sqrt(self._squares[band] / count),
        }
        found = {f"STATISTICS_{name}": f"{value:.17g}" for name, value in numbers.items()}
        return {**found, "STATISTICS_VALID_PERCENT": f"{100 * count / self._pixels:.4g}"}
