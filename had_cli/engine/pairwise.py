"""Merging the results of blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Node(NamedTuple, Generic[T]):
    """The merged result of 2^level blocks that follow one another, from block number x 2^level on."""

    level: int
    number: int
    value: T | None


class Pairwise(Generic[T]):
    """Merges results pairwise in their order, as a binary counter carries.

    Rounding grows with the logarithm of the number of blocks, and few partial results are alive. A block
    without a result (None) has its place in the tree all the same: the tree follows from the number of blocks
    alone. So parts of the scene can be merged elsewhere, cut anywhere, and joined to the same bytes.

    Parameters
    ----------
    merge
        Returns the result of two.
    first
        The number of the block that comes first.
    """

    def __init__(self, merge: Callable[[T, T], T], first: int = 0) -> None:
        self._merge = merge
        self._next = first
        self.nodes: list[Node[T]] = []

    def add(self, value: T | None) -> None:
        """Take the next result."""
        self.join([Node(0, self._next, value)])
        self._next += 1

    def join(self, nodes: Iterable[Node[T]]) -> None:
        """Take what was merged elsewhere of the blocks that follow."""
        for last in nodes:
            node = last
            while self.nodes and node.number % 2 and self.nodes[-1][:2] == (node.level, node.number - 1):
                value = self._merged(self.nodes.pop().value, node.value)
                node = Node(node.level + 1, node.number // 2, value)
            self.nodes.append(node)

    def result(self) -> T | None:
        """Return everything merged, or None where nothing was."""
        value: T | None = None
        for node in reversed(self.nodes):
            value = self._merged(node.value, value)
        return value

    def _merged(self, first: T | None, second: T | None) -> T | None:
        if first is None or second is None:
            return second if first is None else first
        return self._merge(first, second)
