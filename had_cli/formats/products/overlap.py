"""Bands that two detectors measure alike, where VNIR and SWIR meet.

Of such bands those of SWIR are taken: silicon, VNIR's detector, has next to no response there. All bands
stay in the cube; those of VNIR are marked as bad, so that ``--bands`` brings them back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Index = npt.NDArray[np.intp]


def overlapping(centres: npt.NDArray[np.float64], vnir: Index, swir: Index) -> npt.NDArray[np.bool_]:
    """Return which bands of VNIR, (bands,), lie where SWIR has bands as well.

    Parameters
    ----------
    centres
        (bands,) nanometres.
    vnir, swir
        Indices of each detector's bands.
    """
    twice = np.zeros(len(centres), bool)
    if len(vnir) and len(swir):
        twice[vnir] = centres[vnir] >= centres[swir].min()
    return twice


def overlap_note(centres: npt.NDArray[Any], twice: npt.NDArray[np.bool_]) -> str:
    """Return what was decided, in a line."""
    low, high = centres[twice].min(), centres[twice].max()
    return (
        f"{int(twice.sum())} bands of VNIR between {low:.1f} and {high:.1f} nm, where SWIR measures as well, "
        "are left out"
    )
