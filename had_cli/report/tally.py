"""How many pixels score at or above a threshold, in little room.

The page counts the pixels of the whole scene, not those of its reduced map. A full list of scores would
be as large as the map itself, and nobody needs to know to the pixel how many of 50 million lie above
the median: the highest scores are kept one by one, the others at evenly spaced ranks.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.report.encoding import packed

TAIL = 32_768
"""Scores that are kept one by one; counts up to here are exact."""

LEVELS = 2_049
"""Scores kept of all others; a count there is off by less than one part in 2048 of them."""


def tally(ascending: npt.NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Return ``ascending`` scores, 1-D without NaN, as JSON: ``count``, ``tail`` and ``levels``.

    ``tail`` holds the highest scores; ``levels`` others at even ranks, the lowest and the one next to
    the tail included, or nothing where the tail is all.
    """
    count = len(ascending)
    rest = max(0, count - TAIL)
    ranks = np.linspace(0, rest - 1, LEVELS).round().astype(np.intp) if rest else np.empty(0, np.intp)
    return {
        "count": count,
        "rest": rest,
        "tail": packed(ascending[rest:], "f4"),
        "levels": packed(ascending[ranks], "f4"),
    }
