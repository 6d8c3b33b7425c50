"""The engine itself: one executor, fed from memory or from a file."""

from __future__ import annotations

import dataclasses
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack
from threading import Lock
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from had_cli.engine.blocks import with_halo
from had_cli.engine.derived import CELL, DerivedSource, averaged, cells_of, derived_info, kept_bytes
from had_cli.engine.float32 import full_float32
from had_cli.engine.pairwise import Pairwise
from had_cli.engine.passes import Passes, Progress, host_block
from had_cli.engine.reading import (
    Pixels,
    stored_bytes,
)
from had_cli.engine.run import BlockMap, BlockReduction, Reduction
from had_cli.engine.threads import cores, ordered
from had_cli.engine.worker import HostBlock, Piece
from had_cli.errors import OutputError, SceneError
from had_cli.scenes.background import Background
from had_cli.scenes.describe import runs
from had_cli.scenes.scene import ArraySource, Scene, valid_pixels
from had_cli.scenes.source import Window
from had_cli.scenes.validity import empty_bands

logger = logging.getLogger(__name__)
T = TypeVar("T")


class Executor(Passes, AbstractContextManager["Executor"]):
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
    block_pixels
        Overrides the pixels of a piece (:mod:`had_cli.engine.partition`), for tests.
    cost
        Bytes per pixel that reading a block takes beyond the block itself.
    """

    def __init__(
        self,
        scene: Scene,
        *,
        device: str = "cpu",
        stream: bool = False,
        memory: int = 2**30,
        seed: int = 0,
        weights: Any = None,
        progress: Progress | None = None,
        block_pixels: int | None = None,
        cost: int = 0,
    ) -> None:
        super().__init__(
            scene,
            device,
            warn=self.warn,
            stream=stream,
            memory=memory,
            progress=progress or (lambda _label, _fraction: None),
            block_pixels=block_pixels,
            cost=cost,
        )
        self.seed, self.weights = seed, weights
        self.warnings: list[str] = []
        self.facts: dict[str, Any] = {}
        self._scratch: list[Any] = []
        self._valid = [0]  # pixels, as the passes have counted them
        self._settings = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._kept is not None:
            self._kept.close()
        for file in self._scratch:
            file.close()
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
            # without invalid pixels, rows are handed over without a copy
            pixels = block.cube.reshape(-1, block.cube.shape[-1])
            valid = block.valid.reshape(-1)
            if chosen is not None:
                valid = valid & chosen.mask[block.window.rows, block.window.cols].reshape(-1)
            if not valid.all():
                pixels = pixels[valid]
            return self._worker.reduced(reduction, pixels) if len(pixels) else None

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

    def through(
        self, function: BlockMap, *, bands: int, halo: int = 0, cost: int = 0, label: str = "features"
    ) -> Executor:
        """Return the run of what ``function`` shows; see :meth:`had_cli.engine.run.Run.through`."""
        rows, cols, _ = self.scene.shape
        info = derived_info(self.scene, bands)
        least = (CELL + 2 * halo) ** 2 * (8 * self.scene.shape[2] + 4 * bands + cost)
        if least > self.memory:
            self._warn_of_memory("a square of features", least)

        seen: set[Window] = set()
        counted, counting = [0], Lock()

        def read(cells: list[Window]) -> tuple[Pixels, list[Window]]:
            first, last = cells[0], cells[-1]
            together = Window(first.col, first.row, last.col + last.width - first.col, first.height)
            return self._pixels(with_halo(together, halo, rows, cols)[0]), cells

        def compute(row: tuple[Pixels, list[Window]]) -> Iterator[npt.NDArray[np.float32]]:
            pixels, cells = row
            for cell in cells:
                result = np.empty((cell.height, cell.width, bands), np.float32)
                block = host_block(pixels, with_halo(cell, halo, rows, cols))
                valid_here = 0
                for place, values, valid in self._worker.mapped(function, block, halo, 1):
                    part = result[place.row - cell.row :, place.col - cell.col :]
                    part = part[: place.height, : place.width]
                    part[...] = values
                    part[~valid] = np.nan
                    valid_here += int(np.count_nonzero(valid))
                # features that are NaN look like invalid pixels from here on, so these are counted first
                with counting:  # threads compute cells side by side
                    counted[0] += 0 if cell in seen else valid_here
                    seen.add(cell)
                    self._valid[0] = max(self._valid[0], counted[0])
                yield result

        stream = self.stream or 4 * int(np.prod(info.shape, dtype=object)) > self.memory
        if stream:
            source: Any = DerivedSource(
                info, lambda cells: compute(read(cells)), kept_bytes(info, self.memory)
            )
        else:
            source = ArraySource(info, self._computed_cells(read, compute, info.shape, label))
        return self._derived(source, stream=stream, background=self.scene.background)

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
        run._scratch, run._valid = self._scratch, self._valid
        return run

    def shrunk(self, factor: int, *, label: str = "smaller") -> Executor:
        """Return the run of the scene averaged by squares; see :meth:`had_cli.engine.run.Run.shrunk`."""
        rows, cols, bands = self.scene.shape
        small = self.allocate((-(-rows // factor), -(-cols // factor), bands))

        def compute(block: HostBlock) -> tuple[Window, npt.NDArray[np.float32]]:
            return block.window, averaged(block.cube, factor)

        for window, values in self._passed(compute, label, align=factor):
            row, col = window.row // factor, window.col // factor
            small[row : row + values.shape[0], col : col + values.shape[1]] = values
        info = dataclasses.replace(derived_info(self.scene, bands), shape=small.shape, block=None)
        return self._derived(ArraySource(info, small), stream=self.stream)

    def _computed_cells(
        self,
        read: Callable[[list[Window]], tuple[Pixels, list[Window]]],
        compute: Callable[[tuple[Pixels, list[Window]]], Iterator[npt.NDArray[np.float32]]],
        shape: tuple[int, int, int],
        label: str,
    ) -> npt.NDArray[np.float32]:
        """Return all features, cell by cell: the same bytes as where they are computed when read."""
        cube = np.empty(shape, np.float32)
        rows, cols, _ = shape
        self._progress(label, 0.0)

        def filled(row: tuple[Pixels, list[Window]]) -> Window:
            for cell, values in zip(row[1], compute(row), strict=True):
                cube[cell.rows, cell.cols] = values
            return row[1][-1]

        kept = (read(cells) for cells in cells_of(Window(0, 0, cols, rows), shape))
        for last in ordered(filled, kept, lambda: cores() if self.device == "cpu" else 1):
            self._progress(label, (last.row * cols + last.height * (last.col + last.width)) / (rows * cols))
        return cube

    def sample(self, count: int, *, background: bool = False) -> npt.NDArray[np.float32]:
        """Return up to about ``count`` valid pixels; see :meth:`had_cli.engine.run.Run.sample`.

        Pieces of rows lie evenly down the scene and are staggered across it, so that neither a
        wedge of nodata nor a lake takes the whole sample.
        """
        rows, cols, _ = self.scene.shape
        chosen = self.scene.background if background else None
        width = min(cols, 512)
        pieces = min(rows, max(32, -(-count // width)))
        step = max(1, pieces * width // count)
        found = []
        for index in range(pieces):
            row = (2 * index + 1) * rows // (2 * pieces)
            col = int((index * 0.6180339887) % 1 * (cols - width))
            cube = self._read(Window(col, row, width, 1))[0, ::step]
            valid = valid_pixels(cube)
            if chosen is not None:
                valid &= chosen.mask[row, col : col + width : step]
            found.append(cube[valid])
        return np.concatenate(found)

    def progress(self, label: str, fraction: float) -> None:
        """Say how far the method's own work is; see :meth:`had_cli.engine.run.Run.progress`."""
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
            if part is not None:
                merged.add(part)
        if merged.empty and background is not None:
            raise SceneError(
                f"{self.scene.path}: no pixel of the background chosen by {background.name} is valid: all "
                "are nodata, masked or not finite in some band; draw it elsewhere"
            )
        if merged.empty:
            raise self._nothing_valid()
        return merged.result()

    def _nothing_valid(self) -> SceneError:
        remedy = "see `had info`, or choose bands with --bands"
        if self.scene.source.info.format != "derived":  # whose bands are none of the file's
            empty = empty_bands(self._read, self.scene.shape)
            if empty.any() and not empty.all():
                remedy = (
                    f"leave out those without any value: --exclude-bands {runs(self.scene.bands[empty] + 1)}"
                )
        return SceneError(
            f"{self.scene.path}: no valid pixel: every pixel is nodata, masked or not finite in some band; "
            f"{remedy}"
        )

    def _read(self, window: Window) -> npt.NDArray[np.float32]:
        return self._pixels(window).pixels(window)

    def allocate(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return an array for results, on disk when it would take more than half the memory."""
        if not self.stream or 4 * np.prod(shape, dtype=np.int64) <= self.memory // 2:
            return np.empty(shape, np.float32)
        needed = 4 * int(np.prod(shape, dtype=object))
        free = shutil.disk_usage(tempfile.gettempdir()).free
        if needed > free:  # or the process would be killed once the disk is full
            raise OutputError(
                f"{self.scene.path}: results take {needed / 1e9:.1f} GB, but {tempfile.gettempdir()} has "
                f"{free / 1e9:.1f} GB free; set TMPDIR to another folder, or take a part with --window"
            )
        file = tempfile.TemporaryFile(prefix="had-")  # noqa: SIM115 - closed with the executor
        self._scratch.append(file)
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)
