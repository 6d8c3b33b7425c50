"""Wide targets: the same fusion at half resolution, and what is foreign to the scene at any size.

The fusion of three maps looks for what is small. Here two further scores are put beside it, and a
pixel has the greatest of the three:

- half: the fusion on the components averaged 2 x 2, enlarged linearly, less its opening, less HANDICAP;
- wide: WEIGHT times the log-rank of the robust distance, of which what is larger than WIDEST is taken
  back in the same way.

The handicap and the weight keep small targets first where both see something.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from had_ssf.fusion import fused, pieces
from had_ssf.opening import AREA, take_back

WIDEST = 900  # pixels: what is larger is no wide target but a part of the background
ROOM = 5  # a scene of fewer than so many times WIDEST pixels has no room for wide targets
HANDICAP = 0.5
WEIGHT = 1.15
HALF = 2

Float = npt.NDArray[np.float32]


def has_room(valid: int) -> bool:
    """Tell whether a scene of so many valid pixels can hold a wide target that is no part of it."""
    return valid >= ROOM * WIDEST


def add_half(scores: Float, layers: Float, small: Float, full: Float, share: float) -> None:
    """Raise rows x cols ``scores`` to the fusion at half resolution where that is greater, in place.

    ``layers`` is (rows / 2) x (cols / 2) x k maps; ``small`` (their rows x cols) and ``full`` (rows x cols)
    are for what is computed on the way.
    """
    fused(layers, small)
    for rows in pieces(full.shape):
        full[rows] = enlarged(small, rows, full.shape)
        full[rows][~np.isfinite(scores[rows])] = np.nan
    take_back(full, share, AREA)
    for rows in pieces(full.shape):
        np.fmax(scores[rows], full[rows] - np.float32(HANDICAP), out=scores[rows])


def add_wide(scores: Float, layer: Float, full: Float, again: Float, share: float) -> None:
    """Raise rows x cols ``scores`` to the wide score of ``layer``, rows x cols distances, in place.

    ``full`` and ``again``, of the same shape, are for what is computed on the way.
    """
    fused(layer[..., None], full)
    take_back(full, share, WIDEST)
    fused(full[..., None], again)
    for rows in pieces(again.shape):
        np.fmax(scores[rows], again[rows] * np.float32(WEIGHT), out=scores[rows])


def enlarged(small: Float, rows: slice, shape: tuple[int, ...]) -> Float:
    """Return ``rows`` of a map enlarged by HALF to ``shape``, linearly between the centres of its squares.

    A square without a value takes no part; where none of four has one, the result is NaN.
    """
    top, bottom, down = _between(np.arange(rows.start, rows.stop), small.shape[0])
    left, right, across = _between(np.arange(shape[1]), small.shape[1])
    total = np.zeros((rows.stop - rows.start, shape[1]), np.float32)
    weight = np.zeros_like(total)
    for row, share_down in ((top, 1 - down), (bottom, down)):
        line = small[row]
        for col, share_across in ((left, 1 - across), (right, across)):
            values = line[:, col]
            part = (share_down[:, None] * share_across).astype(np.float32) * np.isfinite(values)
            total += part * np.where(np.isfinite(values), values, np.float32(0))
            weight += part
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(total / weight)


def _between(
    places: npt.NDArray[np.intp], count: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], npt.NDArray[np.float64]]:
    """Return the squares before and after each pixel's centre, and the weight of the second."""
    centre = np.clip((places + 0.5) / HALF - 0.5, 0, count - 1)
    before = np.minimum(centre.astype(np.intp), max(count - 2, 0))
    return before, np.minimum(before + 1, count - 1), centre - before
