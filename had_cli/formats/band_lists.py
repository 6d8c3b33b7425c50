"""Bands that a file marks as good or bad, beside the cube: as flags of all bands, or as band numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from had_cli.formats.variable import Variable

# bbl, good_bands, SlectBands, valid_band_index, non_del_bands; bad_bands, water_bands, noisybands, del_bands
_BAD = re.compile(r"(?<!non_)(?<!not_)(bad|water|noisy|remov\w*|del\w*|exclude\w*)_?bands?", re.IGNORECASE)
_GOOD = re.compile(
    r"^bbl$|(good|valid|sl?ect(ed)?|select(ed)?|used?|keep|kept|non_del|clean)_?bands?|"
    r"bands?_?(good|valid|select\w*|used?|keep|kept)",
    re.IGNORECASE,
)


def bad_bands(
    variables: Sequence[Variable], bands: int, order: str, notes: list[str]
) -> npt.NDArray[np.bool_] | None:
    """Return the bands marked bad, (bands,), or None where nothing marks them.

    A list of ``bands`` zeros and ones is one of flags; a shorter list of whole numbers one of bands, counted
    from 1 where ``order`` is MATLAB's (F) and no band is 0. A list of all bands says where they are from, no
    more.
    """
    for variable in variables:
        bad = bool(_BAD.search(variable.leaf))
        if not variable.numeric or not (bad or _GOOD.search(variable.leaf)):
            continue
        if len([n for n in variable.shape if n != 1]) > 1:
            continue
        values = np.asarray(variable.load()).ravel()
        named = _flags(values, bands, order)
        if named is None:
            continue
        left_out = named if bad else ~named
        if left_out.any() and not left_out.all():
            notes.append(f"{int(left_out.sum())} bands are marked bad by variable {variable.name}")
            return left_out
    return None


def _flags(values: npt.NDArray[np.generic], bands: int, order: str) -> npt.NDArray[np.bool_] | None:
    """Return (bands,) True where a list of flags or numbers names the band, or None where it is neither."""
    if values.dtype.kind not in "biuf" or not len(values):
        return None
    numbers = values.astype(np.float64)
    if len(numbers) == bands and bool(np.isin(numbers, (0, 1)).all()):
        return np.asarray(numbers == 1)
    first = 1 if order == "F" and numbers.min() >= 1 else 0
    whole = bool((numbers == np.floor(numbers)).all()) and len(np.unique(numbers)) == len(numbers)
    if not whole or len(numbers) >= bands or numbers.min() < 0 or numbers.max() - first >= bands:
        return None
    named = np.zeros(bands, bool)
    named[numbers.astype(int) - first] = True
    return named
