"""What of a map is large: the grey area opening, at levels, by strips that are put together."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from had_cli.plugin import cores, ordered
from had_ssf.fusion import pieces
from had_ssf.ranks import EXACT, Bins

AREA = 300  # pixels of what is large
LEVELS = 64
LOWEST = 0.30  # quantile of the lowest level
AT_ONCE = 2**23  # pixels of a map that is labelled whole
STRIP = 2**21  # pixels of a strip of a larger one: labels, and what is made of them, take many times as much
_EIGHT = np.ones((3, 3), bool)

Float = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int32]


def levels_of(scores: Float) -> npt.NDArray[np.float64]:
    """Return the distinct quantiles of rows x cols ``scores`` from LOWEST to 1; NaN is left out."""
    parts = np.linspace(LOWEST, 1, LEVELS)
    valid = sum(int(np.count_nonzero(np.isfinite(scores[p]))) for p in pieces(scores.shape))
    if valid <= EXACT:
        return np.unique(np.quantile(scores[np.isfinite(scores)].astype(np.float64), parts))
    return np.unique(
        Bins.of(scores[p][np.isfinite(scores[p])] for p in pieces(scores.shape)).quantiles(parts)
    )


def take_back(scores: Float, share: float, area: int) -> None:
    """Subtract ``share`` times the area opening from rows x cols ``scores``, in place; NaN stays.

    At every level, components (8-connected) of at least ``area`` pixels of {scores >= level} are kept. The
    opening is the highest level at which a pixel is in one, the lowest level elsewhere, and never
    above the score. Strips are labelled one after the other, and what touches on their seams is one
    component: the result does not depend on how many there are.
    """
    levels = levels_of(scores)
    strips = list(pieces(scores.shape, AT_ONCE if scores.size <= AT_ONCE else STRIP))
    seams = [_Seams() for _ in levels]
    for strip in strips if len(strips) > 1 else ():
        found = _labelled(scores[strip].__ge__, levels)
        for seam, (labels, sizes) in zip(seams, found, strict=True):
            seam.add(labels, sizes)
    across = [seam.large(area) for seam in seams]
    for number, strip in enumerate(strips):
        part = scores[strip]
        large = [labels[number] for labels in across if labels]
        reached = _reached(part, levels, area, large)
        opening = levels.astype(np.float32)[np.maximum(reached, 1) - 1]
        part -= np.float32(share) * np.minimum(opening, part)


def _reached(
    part: Float, levels: npt.NDArray[np.float64], area: int, large: list[npt.NDArray[np.intp]]
) -> npt.NDArray[np.uint8]:
    """Return at how many of the levels each pixel is in a large component.

    ``large`` are labels, level by level, of what is large with what it touches in other strips; empty where
    there are none.
    """
    reached = np.zeros(part.shape, np.uint8)
    # Components of higher levels lie within large ones of lower levels: what is outside need not be labelled.
    # Another thread is some levels ahead and may not see the last of it, which changes nothing.
    within = None

    def above(level: float) -> npt.NDArray[np.bool_]:
        mask: npt.NDArray[np.bool_] = part >= level
        return mask if within is None else mask & within

    for number, (labels, sizes) in enumerate(_labelled(above, levels)):
        kept = sizes >= area
        if large:
            kept[large[number]] = True
        kept[0] = False
        if not kept.any():
            break
        inside = kept.take(labels, mode="clip")  # none is outside; this mode is the fastest
        reached += inside
        if not large:  # whose labels are those of whole strips
            within = inside
    return reached


def _labelled(
    above: Callable[[float], npt.NDArray[np.bool_]], levels: npt.NDArray[np.float64]
) -> Iterator[tuple[Labels, npt.NDArray[np.intp]]]:
    """Yield for each level the labels of the components of ``above(level)`` and their sizes (0: the rest)."""

    def labelled(level: float) -> tuple[Labels, npt.NDArray[np.intp]]:
        labels, count = ndimage.label(above(level), _EIGHT)
        return labels, np.bincount(labels.reshape(-1), minlength=count + 1)

    return ordered(labelled, levels, cores)


class _Seams:
    """Components of one level that touch the first or last row of a strip, and what they touch there."""

    def __init__(self) -> None:
        self._strips: list[npt.NDArray[np.intp]] = []  # of each, the labels on its edges
        self._sizes: list[npt.NDArray[np.intp]] = []
        self._pairs: list[npt.NDArray[np.intp]] = []
        self._count = 0
        self._last: npt.NDArray[np.intp] | None = None  # the last row so far: numbers of components, or -1

    def add(self, labels: Labels, sizes: npt.NDArray[np.intp]) -> None:
        """Take the next strip's labels, rows x cols, and their sizes."""
        edge = np.setdiff1d(labels[[0, -1]], [0])
        number = np.full(len(sizes), -1, np.intp)
        number[edge] = self._count + np.arange(len(edge))
        self._strips.append(edge)
        self._sizes.append(sizes[edge])
        self._count += len(edge)
        first = number[labels[0]]
        if self._last is not None:
            for step in (-1, 0, 1):
                above = self._last[max(0, step) : len(first) + min(0, step)]
                below = first[max(0, -step) : len(first) + min(0, -step)]
                touching = (above >= 0) & (below >= 0)
                self._pairs.append(np.unique(np.stack([above[touching], below[touching]]), axis=1))
        self._last = number[labels[-1]]

    def large(self, area: int) -> list[npt.NDArray[np.intp]]:
        """Return for each strip the labels of its components that are large with what they touch."""
        if not self._count:
            return self._strips
        pairs = np.concatenate([np.empty((2, 0), np.intp), *self._pairs], axis=1)
        graph = coo_array((np.ones(pairs.shape[1], bool), tuple(pairs)), shape=(self._count, self._count))
        _, group = connected_components(graph, directed=False)
        size = np.bincount(group, weights=np.concatenate(self._sizes))
        kept = size[group] >= area
        ends = np.cumsum([len(strip) for strip in self._strips])[:-1]
        return [s[k] for s, k in zip(self._strips, np.split(kept, ends), strict=True)]
