"""The engine itself: one executor, fed from memory or from a file."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from had_cli.engine.blocks import staggered
from had_cli.engine.derivations import Derivations
from had_cli.engine.float32 import full_float32
from had_cli.engine.pairwise import Pairwise
from had_cli.engine.passes import Progress
from had_cli.engine.reading import stored_bytes
from had_cli.engine.results import Results, nothing_valid
from had_cli.engine.run import BlockMap, BlockReduction, Reduction
from had_cli.engine.worker import HostBlock, Piece
from had_cli.errors import SceneError
from had_cli.scenes.background import Background
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.scenes.source import Window

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Executor(Derivations, AbstractContextManager["Executor"]):
    """Runs block reductions and block maps over a scene; implements :class:`had_cli.engine.run.Run`.

    Parameters
    ----------
    scene
        What to work on.
    device
        As chosen by :func:`had_cli.engine.devices.choose_device`.
    stream
        False: the scene is read once and kept as it is stored. True: every pass reads it again, while what
        was read before is computed. Both give the same bytes.
    memory
        Bytes that blocks in flight and results may take. It decides how much is read and computed at a
        time, and no result.
    results
        Of these, bytes of results that lie in memory while the disk has room for others; default: half.
    block_pixels
        Overrides the pixels of a piece (:mod:`had_cli.engine.partition`), for tests.
    cost
        Bytes per pixel that reading a block takes beyond the block itself.
    """

    # pixels that the method itself has read in this process, where its passes run elsewhere
    read_here = 0

    def __init__(
        self,
        scene: Scene,
        *,
        device: str = "cpu",
        stream: bool = False,
        memory: int = 2**30,
        results: int | None = None,
        seed: int = 0,
        weights: Any = None,
        progress: Progress | None = None,
        block_pixels: int | None = None,
        cost: int = 0,
    ) -> None:
        super().__init__(
            scene,
            device,
            stream=stream,
            memory=memory,
            progress=progress or (lambda _label, _fraction: None),
            block_pixels=block_pixels,
            cost=cost,
        )
        self.seed, self.weights = seed, weights
        self.warnings: list[str] = []
        self.facts: dict[str, Any] = {}
        half = memory // 2
        held = half if results is None else min(half, results)
        self._results = Results(held, scene.path, half) if stream else Results(None, scene.path)
        self._valid = [0]  # pixels, as the passes have counted them
        self._settings = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self._kept.close()
        self._results.close()
        self._settings.close()

    def __enter__(self) -> Self:
        # Threads inside BLAS go on spinning after each small factorisation, and take the cores from the
        # blocks that follow; the cores are used by computing several blocks at once.
        self._settings.enter_context(threadpool_limits(1, user_api="blas"))
        if self.device != "cpu":
            self._settings.enter_context(full_float32())
        return self

    @property
    def valid_pixels(self) -> int:
        """How many pixels the maps had to score; 0 before the first."""
        return self._valid[0]

    def leave_device(self, reason: str) -> None:
        """Go on with the CPU, and tell the user why."""
        self._worker.leave(reason)

    # -- what a method calls --------------------------------------------------------------------
    def reduce(self, reduction: Reduction[T], label: str = "statistics", *, background: bool = False) -> T:
        """Return the statistic over all valid pixels; see :meth:`had_cli.engine.run.Run.reduce`."""
        chosen = self.scene.background if background else None

        def compute(block: HostBlock) -> T | None:
            window = block.window
            keep = None if chosen is None else chosen.mask[window.rows, window.cols]
            return self._worker.reduced_valid(reduction, block, keep)

        return self._merged(reduction.merge, self._passed(compute, label), background=chosen)

    def reduce_blocks(
        self,
        reduction: BlockReduction[T],
        *,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
        label: str = "statistics",
    ) -> T:
        """Return a statistic of pieces; see :meth:`had_cli.engine.run.Run.reduce_blocks`."""

        def compute(block: HostBlock) -> T | None:
            return self._worker.reduced_block(reduction, block, halo, align)

        passed = self._passed(compute, label, halo=halo, align=align, cost=cost, parallel=parallel)
        return self._merged(reduction.merge, passed)

    def map(
        self,
        function: BlockMap,
        *,
        layers: int = 1,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
        label: str = "scores",
    ) -> npt.NDArray[np.float32]:
        """Return rows x cols (x layers) of ``function``; see :meth:`had_cli.engine.run.Run.map`."""
        rows, cols, _ = self.scene.shape
        result = self.allocate((rows, cols, layers))

        def compute(block: HostBlock) -> list[Piece]:
            return self._worker.mapped(function, block, halo, align)

        counted = 0
        passed = self._passed(compute, label, halo=halo, align=align, cost=cost, parallel=parallel)
        for pieces in passed:
            for place, values, valid in pieces:
                part = result[place.rows, place.cols]
                part[...] = values
                part[~valid] = np.nan
                counted += int(np.count_nonzero(valid))
        self._valid[0] = max(self._valid[0], counted)
        if not counted:  # a method without reductions would pass an empty map for a result
            raise self._nothing_valid()
        return result[..., 0] if layers == 1 else result

    def _derived(self, source: Any, *, stream: bool, background: Background | None = None) -> Executor:
        """Return a run over a scene that comes of this one; it shares device, warnings and facts."""
        run = Executor(
            Scene(source, background=background),
            device=self.device,
            stream=stream,
            memory=self.memory,
            seed=self.seed,
            weights=self.weights,
            progress=self._progress,
            block_pixels=self._block_pixels,
            cost=stored_bytes(self.scene),
        )
        # one worker for both, so that each knows where the other computes
        run._worker = self._worker
        run.warnings, run.facts = self.warnings, self.facts
        run._results, run._valid = self._results, self._valid
        return run

    def sample(self, count: int, *, background: bool = False) -> npt.NDArray[np.float32]:
        """Return up to about ``count`` valid pixels; see :meth:`had_cli.engine.run.Run.sample`."""
        rows, cols, _ = self.scene.shape
        chosen = self.scene.background if background else None
        places, step = staggered(rows, cols, count)
        found = []
        for place, cube in zip(places, self._cubes(places), strict=True):
            row = cube[0, ::step]
            valid = valid_pixels(row)
            if chosen is not None:
                valid &= chosen.mask[place.row, place.col : place.col + place.width : step]
            found.append(row[valid])
        return np.concatenate(found)

    def progress(self, label: str, fraction: float) -> None:
        """Say how far the method's own work is; see :meth:`had_cli.engine.run.Run.progress`."""
        self._results.rest()
        self._progress(label, fraction)

    def warn(self, message: str) -> None:
        """Keep a line that the user must see; see :meth:`had_cli.engine.run.Run.warn`."""
        if message not in self.warnings:
            self.warnings.append(message)
            logger.info("warning: %s", message)

    def record(self, **facts: Any) -> None:
        """Keep facts about the result; see :meth:`had_cli.engine.run.Run.record`."""
        self.facts.update(facts)

    # -- blocks ---------------------------------------------------------------------------------
    def _merged(
        self, merge: Callable[[T, T], T], parts: Iterable[T | None], background: Background | None = None
    ) -> T:
        merged = Pairwise(merge)
        for part in parts:
            merged.add(part)
        return self._known(merged.result(), background)

    def _known(self, result: T | None, background: Background | None = None) -> T:
        if result is None:
            raise self._nothing_valid(background)
        return result

    def _nothing_valid(self, background: Background | None = None) -> SceneError:
        return nothing_valid(self.scene, self._read, background)

    def _cubes(self, windows: Sequence[Window]) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the pixels of windows in their order."""
        return map(self._read, windows)

    def _read(self, window: Window) -> npt.NDArray[np.float32]:
        return self._pixels(window).pixels(window)

    def allocate(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return an array for results, on disk where memory does not hold all of them."""
        return self._results.allocate(shape)
