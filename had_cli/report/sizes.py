"""How much of a scene fits onto a page, and what is said of the rest."""

from __future__ import annotations

import math
from dataclasses import dataclass

PAGE_BYTES = 15_000_000
"""What the whole file may take."""

INDEX_BYTES = 60_000_000
"""What a report of several scenes may take, as long as each of them has room for a map."""

LEAST_BYTES = 2_500_000
"""What one of many scenes may take all the same."""

MAP_CELLS = 400_000
"""Cells of the map, about 630 x 630: more than a screen shows at once."""

_FIXED = 600_000  # scripts, styles, table, curves
_TALLIES = 3 * 190_000  # all, anomalous, background; in base64
_PER_CELL = 4 / 3 * (4 + 4 + 1 / 8)  # score, composite at worst, truth; in base64
_PER_VALUE = 4 / 3 * 2  # a quantised value of a spectrum


@dataclass(frozen=True, slots=True)
class Sizes:
    """The reductions of a scene of ``rows`` x ``cols`` pixels.

    Attributes
    ----------
    map_step : a cell of the map is so many pixels wide and high
    spectrum_step : of so many pixels squared, one spectrum is kept; a multiple of ``map_step``
    """

    rows: int
    cols: int
    bands: int
    map_step: int
    spectrum_step: int

    @classmethod
    def fitting(
        cls, rows: int, cols: int, bands: int, *, cells: int = MAP_CELLS, page_bytes: int = PAGE_BYTES
    ) -> Sizes:
        """Return the finest reductions by which a page stays within ``page_bytes``."""
        step = _least(rows, cols, cells)
        shown = math.ceil(rows / step) * math.ceil(cols / step)
        room = page_bytes - _FIXED - _TALLIES - shown * _PER_CELL
        spectra = max(1, int(room / _PER_VALUE / bands))
        coarser = 1
        while math.ceil(rows / (step * coarser)) * math.ceil(cols / (step * coarser)) > spectra:
            coarser += 1
        return cls(rows, cols, bands, step, step * coarser)

    @classmethod
    def sharing(cls, rows: int, cols: int, bands: int, *, scenes: int) -> Sizes:
        """Return the finest reductions by which ``scenes`` such scenes fit onto one page."""
        if scenes == 1:
            return cls.fitting(rows, cols, bands)
        room = min(PAGE_BYTES, max(LEAST_BYTES, INDEX_BYTES // scenes))
        # half of what is free for the map, the other for spectra
        cells = min(MAP_CELLS, int((room - _FIXED - _TALLIES) / 2 / _PER_CELL))
        return cls.fitting(rows, cols, bands, cells=cells, page_bytes=room)

    def grid(self, step: int) -> tuple[int, int]:
        """Return the rows and columns of cells of ``step`` x ``step`` pixels."""
        return math.ceil(self.rows / step), math.ceil(self.cols / step)

    def notes(self) -> list[str]:
        """Return one line for each thing of which the page shows less than the files hold."""
        lines = []
        if self.map_step > 1:
            rows, cols = self.grid(self.map_step)
            k = self.map_step
            lines.append(
                f"The map is reduced by a factor of {k}: {rows} x {cols} cells stand for "
                f"{self.rows} x {self.cols} pixels. A cell shows the highest score of its {k} x {k} pixels, "
                f"so no anomaly disappears, and the mean colour. Counts are those of the pixels."
            )
        if self.spectrum_step > 1:
            m = self.spectrum_step
            lines.append(
                f"Of every {m} x {m} pixels one spectrum is kept: that of the pixel with the highest score."
            )
        return lines


def _least(rows: int, cols: int, cells: int) -> int:
    step = max(1, math.isqrt(rows * cols // cells))
    while math.ceil(rows / step) * math.ceil(cols / step) > cells:
        step += 1
    return step
