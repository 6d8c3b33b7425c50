"""Merging the results of blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Pairwise(Generic[T]):
    """Merges results pairwise in order of arrival, as a binary counter carries.

    Rounding grows with the logarithm of the number of blocks, and at most that many partial results
    are alive.
    """

    def __init__(self, merge: Callable[[T, T], T]) -> None:
        self._merge = merge
        self._levels: list[tuple[int, T]] = []

    @property
    def empty(self) -> bool:
        """Whether nothing has been added."""
        return not self._levels

    def add(self, value: T) -> None:
        """Take the next result."""
        level = 0
        while self._levels and self._levels[-1][0] == level:
            value = self._merge(self._levels.pop()[1], value)
            level += 1
        self._levels.append((level, value))

    def result(self) -> T:
        """Return everything merged; at least one value must have been added."""
        value = self._levels[-1][1]
        for _, earlier in reversed(self._levels[:-1]):
            value = self._merge(earlier, value)
        return value
