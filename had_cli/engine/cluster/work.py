"""What is computed of pieces on a worker, and how results are merged: no word of dask."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from had_cli.engine.blocks import with_halo
from had_cli.engine.pairwise import Node, Pairwise
from had_cli.engine.passes import host_block
from had_cli.engine.prefetch import prefetch
from had_cli.engine.reading import READ, stored_bytes
from had_cli.engine.run import BlockMap, BlockReduction, Reduction
from had_cli.engine.worker import HostBlock, Piece, Worker
from had_cli.scenes.scene import Float, Mask, Scene
from had_cli.scenes.source import Window


class Statistic(Protocol):
    """Something to be computed of blocks and merged."""

    def compute(self, worker: Worker, block: HostBlock) -> Any:
        """Return the result of a block, or None where nothing in it is valid."""
        ...

    def merge(self, first: Any, second: Any) -> Any:
        """Return the result of both; ``first`` comes earlier in the scene."""
        ...


@dataclass(frozen=True)
class OfPixels:
    """A statistic of spectra; of those that ``keep``, rows x cols of the scene, chooses."""

    reduction: Reduction[Any]
    keep: Mask | None = None

    def compute(self, worker: Worker, block: HostBlock) -> Any:
        """Return the result of the block's valid pixels."""
        window = block.window
        keep = None if self.keep is None else self.keep[window.rows, window.cols]
        return worker.reduced_valid(self.reduction, block, keep)

    def merge(self, first: Any, second: Any) -> Any:
        """Return the result of both."""
        return self.reduction.merge(first, second)


@dataclass(frozen=True)
class OfBlocks:
    """A statistic of pixels and their surroundings."""

    reduction: BlockReduction[Any]
    halo: int
    align: int

    def compute(self, worker: Worker, block: HostBlock) -> Any:
        """Return the result of the block's core."""
        return worker.reduced_block(self.reduction, block, self.halo, self.align)

    def merge(self, first: Any, second: Any) -> Any:
        """Return the result of both."""
        return self.reduction.merge(first, second)


@dataclass(frozen=True)
class Scores:
    """A block map."""

    function: BlockMap
    halo: int
    align: int

    def compute(self, worker: Worker, block: HostBlock) -> list[Piece]:
        """Return the values of the block's core."""
        return worker.mapped(self.function, block, self.halo, self.align)


@dataclass(frozen=True)
class Pass:
    """What is computed in one pass over a scene.

    Attributes
    ----------
    work : a :class:`Statistic` or :class:`Scores`
    halo : pixels around a piece that come along
    cost : bytes per pixel that reading takes beyond the pixels
    """

    work: Any
    halo: int = 0
    cost: int = 0

    def reduced(self, scene: Scene, first: int, pieces: Sequence[Window]) -> list[Node[Any]]:
        """Return the merged result of ``pieces``; that which comes first has the number ``first``."""
        worker, merged = _worker(), Pairwise(self.work.merge, first)
        for block in self._blocks(scene, pieces):
            merged.add(self.work.compute(worker, block))
        return merged.nodes

    def joined(self, first: list[Node[Any]], second: list[Node[Any]]) -> list[Node[Any]]:
        """Return the merged result of pieces and of those that follow them."""
        merged = Pairwise(self.work.merge)
        merged.join([*first, *second])
        return merged.nodes

    def total(self, nodes: list[Node[Any]]) -> Any:
        """Return the result of all pieces, or None where nothing in them is valid."""
        merged = Pairwise(self.work.merge)
        merged.join(nodes)
        return merged.result()

    def mapped(self, scene: Scene, pieces: Sequence[Window]) -> tuple[list[tuple[Window, Float]], int]:
        """Return the values of ``pieces`` with their places, NaN where invalid, and how many are valid."""
        worker, found, valid_pixels = _worker(), [], 0
        for block in self._blocks(scene, pieces):
            for place, values, valid in self.work.compute(worker, block):
                part = np.array(values)  # what a function returns may be a view of its block
                part[~valid] = np.nan
                found.append((place, part))
                valid_pixels += int(np.count_nonzero(valid))
        return found, valid_pixels

    def _blocks(self, scene: Scene, pieces: Sequence[Window]) -> Iterator[HostBlock]:
        """Yield the blocks of pieces that follow one another; the next are read meanwhile."""
        rows, cols, _ = scene.shape
        pixels = READ // (stored_bytes(scene) + self.cost)

        def read(part: list[Window]) -> tuple[Any, list[Window]]:
            return scene.stored(with_halo(around(part), self.halo, rows, cols)[0]), part

        for stored, part in prefetch(read, together(pieces, pixels, self.halo)):
            for piece in part:
                yield host_block(stored, with_halo(piece, self.halo, rows, cols))


def _worker() -> Worker:
    """Return what computes blocks; on the CPU it has nothing to warn of."""
    return Worker("cpu", lambda _line: None)


def together(pieces: Sequence[Window], pixels: int, halo: int) -> Iterator[list[Window]]:
    """Yield pieces that follow one another and fill a rectangle of about ``pixels`` pixels with the halo."""
    start = 0
    while start < len(pieces):
        area, end = 0, start + 1
        for stop in range(start + 1, len(pieces) + 1):
            area += pieces[stop - 1].width * pieces[stop - 1].height
            outer = around(pieces[start:stop])
            if (outer.width + 2 * halo) * (outer.height + 2 * halo) > pixels:
                break
            if outer.width * outer.height == area:
                end = stop
        yield list(pieces[start:end])
        start = end


def around(pieces: Sequence[Window]) -> Window:
    """Return the least window that holds all pieces."""
    left, top = min(p.col for p in pieces), min(p.row for p in pieces)
    right, bottom = max(p.col + p.width for p in pieces), max(p.row + p.height for p in pieces)
    return Window(left, top, right - left, bottom - top)
