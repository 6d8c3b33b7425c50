"""Ranks of the whole scene, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

EXACT = 2**23  # valid pixels that are sorted; more are counted in bins
BITS = 20  # of a bin's number: sign, exponent, and eleven bits of the mantissa
_BINS = 2**BITS


def log_rank(rank: Double, count: int) -> Double:
    """Return -log(1 - rank / count + 1 / count) of ranks 1 .. count, ascending."""
    return -np.log((count - rank + 1) / count)


def average_ranks(values: Float) -> Double:
    """Return the ranks 1 .. n, ascending, of n values; ties share the mean of theirs."""
    order = np.argsort(values)
    ordered = values[order]
    first = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    last = np.append(first[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((first + 1 + last) / 2, last - first)
    return ranks


@dataclass(frozen=True)
class Bins:
    """How many values of a map are in each of 2^BITS bins, which are 0.05 percent of a value wide.

    A value's rank is interpolated within its bin, so it errs by less than the bin's share of the
    pixels, and usually by far less. Counts add, in any order.
    """

    counts: npt.NDArray[np.int64]

    @classmethod
    def of(cls, pieces: Iterable[Float]) -> Bins:
        """Return the bins of 1-D pieces of finite values."""
        counts = np.zeros(_BINS, np.int64)
        for piece in pieces:
            counts += np.bincount(_keys(piece) >> np.uint32(32 - BITS), minlength=_BINS)
        return cls(counts)

    def ranks(self, values: Float) -> Double:
        """Return about the ranks of finite values that were counted."""
        keys = _keys(values)
        bins = keys >> np.uint32(32 - BITS)
        within = (keys & np.uint32(2 ** (32 - BITS) - 1)) / 2.0 ** (32 - BITS)
        below = np.cumsum(self.counts) - self.counts
        ranks: Double = below[bins] + 0.5 + within * self.counts[bins]
        return ranks

    def quantiles(self, parts: Double) -> Double:
        """Return about the quantiles at ``parts`` in [0, 1]."""
        upto = np.cumsum(self.counts)
        rank = parts * (upto[-1] - 1)
        bins = np.searchsorted(upto, rank, side="right")
        within = (rank - (upto[bins] - self.counts[bins])) / self.counts[bins]
        width = 2 ** (32 - BITS)
        return _values((bins * width + within * (width - 1)).astype(np.uint32)).astype(np.float64)


def _keys(values: Float) -> npt.NDArray[np.uint32]:
    """Return unsigned integers in the order of finite values."""
    # -0 and 0 are the same value
    bits = (np.ascontiguousarray(values, np.float32) + np.float32(0)).view(np.uint32)
    return np.where(bits >> np.uint32(31), ~bits, bits | np.uint32(2**31))


def _values(keys: npt.NDArray[np.uint32]) -> Float:
    """Return the values of :func:`_keys`."""
    bits = np.where(keys >> np.uint32(31), keys & np.uint32(2**31 - 1), ~keys)
    return bits.astype(np.uint32).view(np.float32)
