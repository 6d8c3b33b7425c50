"""What the report under test was made of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROWS, COLS, BANDS = 40, 60, 30
NANOMETRES = np.linspace(450, 1600, BANDS)
TARGETS = ((8, 12), (8, 13), (25, 40), (33, 7))
EMPTY = (slice(0, 5), slice(0, 9))


@dataclass(frozen=True)
class Made:
    """A report and what it was made of."""

    page: Path
    cube: np.ndarray
    scores: np.ndarray
    truth: np.ndarray
    content: dict

    @property
    def threshold(self) -> float:
        return self.content["threshold"]["value"]
