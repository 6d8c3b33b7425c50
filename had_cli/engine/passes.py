"""One pass over a scene: how it is cut, where its pixels come from, and how many pieces are at work."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import TypeVar

from had_cli.engine.devices import free_memory
from had_cli.engine.partition import PIECE, Partition, partition
from had_cli.engine.prefetch import prefetch
from had_cli.engine.reading import (
    READ,
    InFile,
    Kept,
    Pixels,
    kept_pieces,
    stored_bytes,
    streamed_pieces,
    with_surroundings,
)
from had_cli.engine.threads import cores, ordered
from had_cli.engine.worker import HostBlock, Worker
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

T = TypeVar("T")
Progress = Callable[[str, float], None]

# A GPU takes pieces so many times as large as those that stay in a core's cache.
ON_A_DEVICE = 16
# What a piece and all that is made of it on the way take there, in sizes of a piece.
HELD = 8


class Passes:
    """The passes of a run over ``scene``; options as in :class:`had_cli.engine.executor.Executor`."""

    def __init__(
        self,
        scene: Scene,
        device: str,
        *,
        stream: bool,
        memory: int,
        progress: Progress,
        block_pixels: int | None,
        cost: int,
    ) -> None:
        self.scene, self.stream, self.memory = scene, stream, memory
        self._worker = Worker(device, self.warn)
        self._progress = progress
        self._block_pixels, self._cost = block_pixels, cost
        self._file = InFile.of(scene)
        self._kept = None if stream or self._file is not None else Kept(scene)

    @abstractmethod
    def warn(self, message: str) -> None:
        """Keep a line that the user must see."""

    @abstractmethod
    def progress(self, label: str, fraction: float) -> None:
        """Say how far a pass is, at every percent."""

    @property
    def device(self) -> str:
        """Where blocks are computed now."""
        return self._worker.device

    def _warn_of_memory(self, what: str, needed: int) -> None:
        self.warn(
            f"{what} takes {needed / 1e6:.1f} MB while it is computed, more than --memory allows "
            f"({self.memory / 1e6:.1f} MB)"
        )

    def _passed(
        self,
        compute: Callable[[HostBlock], T],
        label: str,
        *,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
    ) -> Iterator[T]:
        """Yield ``compute`` of every piece, in the order of the partition: one pass."""
        parts = self._partition(halo=halo, align=align, cost=cost, parallel=parallel)
        rows, cols, bands = self.scene.shape
        piece = parts.largest * (8 * bands + cost)  # its pixels, and what comes of them on the way
        at_once = max(1, min(cores() if parallel else 1, self.memory // (2 * piece)))
        if piece > self.memory:
            self._warn_of_memory("a piece of this scene", piece)

        def block(place: tuple[Pixels, Window]) -> HostBlock:
            pixels, core = place
            return host_block(pixels, with_surroundings(parts, core))

        def workers() -> int:
            return at_once if self.device == "cpu" else 1

        def done(place: tuple[Pixels, Window]) -> T:
            return compute(block(place))

        places = self._places(parts, self.memory - at_once * piece)
        self.progress(label, 0.0)
        finished, last = 0, -1
        results: Iterator[T]
        if self.device == "cpu":
            # pixels are made by the thread that computes with them, and are in its cache then
            results = ordered(done, places, workers)
        else:
            results = ordered(compute, prefetch(block, places), workers)
        for core, result in zip(parts.pieces(), results, strict=True):
            yield result
            finished += core.width * core.height
            if (percent := 100 * finished // (rows * cols)) > last:
                last = percent
                self.progress(label, finished / (rows * cols))

    def _scale(self) -> int:
        """Return how many times larger pieces are on this device, whose memory holds a number of them."""
        if self.device == "cpu":
            return 1
        scale, free = ON_A_DEVICE, free_memory(self.device)
        while free is not None and scale > 1 and scale * PIECE * HELD > free:
            scale //= 2
        return scale

    def _partition(self, *, halo: int, align: int, cost: int, parallel: bool) -> Partition:
        return partition(
            self.scene.shape,
            natural=self.scene.source.info.block,
            halo=halo,
            align=align,
            cost=cost,
            parallel=parallel,
            scale=self._scale(),
            pixels=self._block_pixels,
        )

    def _places(self, parts: Partition, memory: int) -> Iterator[tuple[Pixels, Window]]:
        """Yield the pieces of a pass with what makes their pixels; reads take up to ``memory`` bytes."""
        if self._kept is not None:
            return kept_pieces(self._kept, parts)
        # one being read, one waiting, and pieces of two at work
        each = stored_bytes(self.scene) + self._cost
        pixels = min(READ, max(memory, self.memory // 4) // 4) // each
        return streamed_pieces(self.scene, self._file, parts, pixels)

    def _pixels(self, window: Window) -> Pixels:
        """Return what makes the pixels of a window, read now unless they are kept."""
        if self._file is not None:
            return self._file
        if self._kept is None:
            return self.scene.stored(window)
        self._kept.read_to(window.row + window.height)
        return self._kept


def host_block(pixels: Pixels, place: tuple[Window, Window]) -> HostBlock:
    """Return the block of a window and its core."""
    outer, core = place
    return HostBlock(*pixels.block(outer), outer, core)
