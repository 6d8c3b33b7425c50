"""The engine itself: one executor, fed from memory or from a file."""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from had_cli.engine.blocks import block_shape, windows, with_halo
from had_cli.engine.derived import DerivedSource
from had_cli.engine.pairwise import Pairwise
from had_cli.engine.prefetch import prefetch
from had_cli.engine.run import BlockMap, Reduction
from had_cli.engine.threads import cores, ordered
from had_cli.engine.worker import HostBlock, Piece, Worker
from had_cli.errors import OutputError, SceneError
from had_cli.scenes.describe import runs
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.scenes.source import Window
from had_cli.scenes.validity import empty_bands

logger = logging.getLogger(__name__)
T = TypeVar("T")
Progress = Callable[[str, float], None]

# A larger block reads no faster, and a smaller one keeps progress moving.
LARGEST_BLOCK = 2**26
# Below this, cutting a scene for more threads costs more than it gains.
SMALLEST_BLOCK = 4096


class Executor(AbstractContextManager["Executor"]):
    """Runs block reductions and block maps over a scene; implements :class:`had_cli.engine.Run`.

    Parameters
    ----------
    scene
        What to work on.
    device
        As chosen by :func:`had_cli.engine.devices.choose_device`.
    stream
        False: the scene is read once and kept. True: every pass reads it again, block by block,
        while the block before is computed.
    memory
        Bytes that blocks in flight and results may take.
    block_pixels
        Overrides the pixels of a block, for tests.
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
        self.scene, self.seed, self.weights = scene, seed, weights
        self.stream, self.memory = stream, memory
        self.warnings: list[str] = []
        self.facts: dict[str, Any] = {}
        self._progress = progress or (lambda _label, _fraction: None)
        self._block_pixels, self._cost = block_pixels, cost
        self._worker = Worker(device, self.warn)
        self._kept: tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]] | None = None
        self._scratch: list[Any] = []
        self._valid = [0]  # pixels, as the passes have counted them
        self._blas = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept = None
        for file in self._scratch:
            file.close()
        self._blas.close()

    def __enter__(self) -> Self:
        # Threads inside BLAS go on spinning after each small factorisation, and take the cores from the
        # blocks that follow; the cores are used by computing several blocks at once.
        self._blas.enter_context(threadpool_limits(1, user_api="blas"))
        return self

    @property
    def device(self) -> str:
        """Where blocks are computed now."""
        return self._worker.device

    @property
    def valid_pixels(self) -> int:
        """How many pixels the maps had to score; 0 before the first."""
        return self._valid[0]

    def leave_device(self, reason: str) -> None:
        """Go on with the CPU, and tell the user why."""
        self._worker.leave(reason)

    # -- what a method calls --------------------------------------------------------------------
    def reduce(self, reduction: Reduction[T], label: str = "statistics") -> T:
        """Return the statistic over all valid pixels; see :meth:`had_cli.engine.Run.reduce`."""
        merged = Pairwise(reduction.merge)

        def compute(block: HostBlock) -> T | None:
            # without invalid pixels, rows are handed over without a copy
            pixels = block.cube.reshape(-1, block.cube.shape[-1])
            valid = block.valid.reshape(-1)
            if not valid.all():
                pixels = pixels[valid]
            return self._worker.reduced(reduction, pixels) if len(pixels) else None

        workers = self._workers()
        for part in self._passed(compute, label, workers):
            if part is not None:
                merged.add(part)
        if merged.empty:
            raise self._nothing_valid()
        return merged.result()

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
        """Return rows x cols (x layers) of ``function``; see :meth:`had_cli.engine.Run.map`."""
        rows, cols, _ = self.scene.shape
        result = self._allocate((rows, cols, layers))

        def compute(block: HostBlock) -> list[Piece]:
            return self._worker.mapped(function, block, halo, align)

        workers = self._workers() if parallel else 1
        counted = 0
        for pieces in self._passed(compute, label, workers, halo=halo, align=align, cost=cost):
            for place, values, valid in pieces:
                part = result[place.rows, place.cols]
                part[...] = values
                part[~valid] = np.nan
                counted += int(np.count_nonzero(valid))
        self._valid[0] = max(self._valid[0], counted)
        if not counted:  # a method without reductions would pass an empty map for a result
            raise self._nothing_valid()
        return result[..., 0] if layers == 1 else result

    @property
    def recomputed(self) -> bool:
        """Whether every pass computes the pixels anew; see :class:`had_cli.engine.Run`."""
        return self._kept is None and isinstance(self.scene.source, DerivedSource)

    def through(
        self, function: BlockMap, *, bands: int, halo: int = 0, cost: int = 0, label: str = "features"
    ) -> Executor:
        """Return the run of the scene as ``function`` shows it; see :meth:`had_cli.engine.Run.through`."""
        rows, cols, _ = self.scene.shape

        def compute(window: Window) -> npt.NDArray[np.float32]:
            result = np.empty((window.height, window.width, bands), np.float32)
            block = self._host_block(with_halo(window, halo, rows, cols))
            for place, values, valid in self._worker.mapped(function, block, halo, 1):
                part = result[place.row - window.row :, place.col - window.col :][
                    : place.height, : place.width
                ]
                part[...] = values
                part[~valid] = np.nan
            return result

        scene = Scene(DerivedSource(self.scene, bands, compute))
        run = Executor(
            scene,
            device=self.device,
            stream=self.stream,
            memory=self.memory,
            seed=self.seed,
            weights=self.weights,
            progress=self._progress,
            block_pixels=self._block_pixels,
            cost=cost,
        )
        run.warnings, run.facts = self.warnings, self.facts
        run._scratch, run._valid = self._scratch, self._valid
        if not self.stream:
            cube = self.map(function, layers=bands, halo=halo, cost=cost, parallel=False, label=label)
            cube = cube.reshape(scene.shape)
            run._kept = cube, valid_pixels(cube)
        return run

    def sample(self, count: int) -> npt.NDArray[np.float32]:
        """Return up to about ``count`` valid pixels; see :meth:`had_cli.engine.Run.sample`.

        Pieces of rows lie evenly down the scene and are staggered across it, so that neither a
        wedge of nodata nor a lake takes the whole sample.
        """
        rows, cols, _ = self.scene.shape
        width = min(cols, 512)
        pieces = min(rows, max(32, -(-count // width)))
        step = max(1, pieces * width // count)
        found = []
        for index in range(pieces):
            row = (2 * index + 1) * rows // (2 * pieces)
            col = int((index * 0.6180339887) % 1 * (cols - width))
            cube = self._read(Window(col, row, width, 1))[0, ::step]
            found.append(cube[valid_pixels(cube)])
        return np.concatenate(found)

    def progress(self, label: str, fraction: float) -> None:
        """Say how far the method's own work is; see :meth:`had_cli.engine.Run.progress`."""
        self._progress(label, fraction)

    def warn(self, message: str) -> None:
        """Keep a line that the user must see; see :meth:`had_cli.engine.Run.warn`."""
        if message not in self.warnings:
            self.warnings.append(message)
            logger.info("warning: %s", message)

    def record(self, **facts: Any) -> None:
        """Keep facts about the result; see :meth:`had_cli.engine.Run.record`."""
        self.facts.update(facts)

    # -- blocks ---------------------------------------------------------------------------------
    def _workers(self) -> int:
        return cores() if self.device == "cpu" else 1

    def _passed(
        self,
        compute: Callable[[HostBlock], T],
        label: str,
        workers: int,
        *,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
    ) -> Iterator[T]:
        """Yield ``compute`` of every block, in the order of the scene: one pass."""
        rows, cols, _ = self.scene.shape
        if not self.stream and self._kept is None:
            self._kept = self._read_block(None)
        shape = self._block_shape(workers, halo=halo, align=align, cost=cost)
        plan = [with_halo(core, halo, rows, cols) for core in windows(rows, cols, shape)]
        self._progress(label, 0.0)
        blocks = prefetch(self._host_block, plan) if self.stream else map(self._host_block, plan)
        for done, result in enumerate(ordered(compute, blocks, min(workers, len(plan))), start=1):
            yield result
            self._progress(label, done / len(plan))

    def _block_shape(self, workers: int, *, halo: int, align: int, cost: int) -> tuple[int, int]:
        rows, cols, bands = self.scene.shape
        # one block in use per worker, one waiting, one being read: each as stored and as float32
        in_flight = 2 * (workers + 2)
        pixels = self._block_pixels or min(
            LARGEST_BLOCK // (bands * 4),
            2 * LARGEST_BLOCK // (bands * 4 + cost + self._cost),
            self.memory // (in_flight * (bands * 4 + cost + self._cost)),
            max(SMALLEST_BLOCK, (-(-rows // (workers * align)) * align + 2 * halo) * cols),
        )
        natural = self.scene.source.info.block if self.stream else None
        return block_shape(rows, cols, pixels, align=align, halo=halo, natural=natural)

    def _host_block(self, place: tuple[Window, Window]) -> HostBlock:
        outer, core = place
        if self._kept is not None:
            cube, valid = self._kept[0][outer.rows, outer.cols], self._kept[1][outer.rows, outer.cols]
        else:
            cube, valid = self._read_block(outer)
        return HostBlock(cube, valid, outer, core)

    def _read_block(self, window: Window | None) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        # pixel by pixel, however the file has it: it is turned once, and all formats give the same sums
        cube = np.ascontiguousarray(self.scene.read(window))
        return cube, valid_pixels(cube)

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
        return self.scene.read(window) if self._kept is None else self._kept[0][window.rows, window.cols]

    def _allocate(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
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
