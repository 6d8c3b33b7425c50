"""Executors that treat a method as one machine or another might, to see whether its scores change."""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest

from had_cli.engine.executor import Executor
from had_cli.engine.passes import host_block
from had_cli.engine.reading import with_surroundings
from had_cli.engine.run import Block, BlockMap, Run
from had_cli.engine.worker import HostBlock
from had_cli.scenes.scene import Scene

T = TypeVar("T")


@contextlib.contextmanager
def running_on(engine: type[Executor]) -> Iterator[None]:
    """Let every detection inside run on ``engine``."""
    from had_cli.detection import detect as detection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(detection, "Executor", engine)
        yield


def cut(pixels: int) -> type[Executor]:
    """Return an executor whose blocks have about so many pixels."""

    class Cut(Executor):
        def __init__(self, scene: Scene, **options: Any) -> None:
            super().__init__(scene, **{**options, "block_pixels": pixels})

    return Cut


class Backwards(Executor):
    """Computes the last block first, and merges them in the order of the scene."""

    def __init__(self, scene: Scene, **options: Any) -> None:
        super().__init__(scene, **{**options, "block_pixels": 211})

    def _passed(
        self,
        compute: Callable[[HostBlock], T],
        label: str,  # noqa: ARG002 - nobody watches
        *,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
    ) -> Iterator[T]:
        parts = self._partition(halo=halo, align=align, cost=cost, parallel=parallel)
        found: list[T] = []
        for core in reversed(list(parts.pieces())):
            place = with_surroundings(parts, core)
            found.append(compute(host_block(self._pixels(place[0]), place)))
        yield from reversed(found)


def travelled(piece: Any) -> Any:
    """Return ``piece`` as another process would get it."""
    return pickle.loads(pickle.dumps(piece))  # noqa: S301 - our own bytes


class Travelling(Executor):
    """Sends every reduction and block map through pickle, as a cluster does."""

    def reduce(self, reduction: Any, *args: Any, **options: Any) -> Any:
        """Reduce by what arrives."""
        return super().reduce(travelled(reduction), *args, **options)

    def reduce_blocks(self, reduction: Any, **options: Any) -> Any:
        """Reduce by what arrives."""
        return super().reduce_blocks(travelled(reduction), **options)

    def map(self, function: Any, **options: Any) -> npt.NDArray[np.float32]:
        """Map by what arrives."""
        return super().map(travelled(function), **options)


class Watching(Executor):
    """Compares every block with what it was, invalid pixels included.

    Blocks are not locked instead: torch writes into a locked array of numpy without a word, and warns of it
    where nothing is written.
    """

    def reduce(self, reduction: Any, *args: Any, **options: Any) -> Any:
        """Reduce, and look at the pixels afterwards."""
        return super().reduce(_Watched(reduction), *args, **options)

    def reduce_blocks(self, reduction: Any, **options: Any) -> Any:
        """Reduce, and look at the block afterwards."""
        return super().reduce_blocks(_WatchedBlocks(reduction), **options)

    def map(self, function: Any, **options: Any) -> npt.NDArray[np.float32]:
        """Map, and look at the block afterwards."""
        return super().map(_unchanged_by(function), **options)

    def through(self, function: Any, **options: Any) -> Run:
        """Show the scene through ``function``, and look at the block afterwards."""
        return super().through(_unchanged_by(function), **options)


class _Watched:
    def __init__(self, reduction: Any) -> None:
        self._reduction, self.merge = reduction, reduction.merge

    def compute(self, pixels: Any, xp: Any) -> Any:
        before = _bytes(pixels)
        result = self._reduction.compute(pixels, xp)
        _same(self._reduction, before, pixels)
        return result


class _WatchedBlocks:
    def __init__(self, reduction: Any) -> None:
        self._reduction, self.merge = reduction, reduction.merge

    def compute(self, block: Block) -> Any:
        return _unchanged_by(self._reduction.compute, self._reduction)(block)


def _unchanged_by(function: Callable[[Block], Any], owner: Any = None) -> BlockMap:
    def called(block: Block) -> Any:
        before = _bytes(block.cube), _bytes(block.valid)
        result = function(block)
        for old, new in zip(before, (block.cube, block.valid), strict=True):
            _same(owner or function, old, new)
        return result

    return called


def _bytes(array: Any) -> bytes:
    return np.asarray(array).tobytes()  # of the CPU, whatever the namespace; NaN equals itself


def _same(owner: Any, before: bytes, array: Any) -> None:
    # compared outside the assert, where pytest would show both texts in full if CI is set: for hours
    unchanged = _bytes(array) == before
    assert unchanged, f"{type(owner).__name__} writes into the pixels that it is given; copy them"
