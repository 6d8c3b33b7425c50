"""The engine itself: one executor, fed from memory or from a file."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from had_cli.devices import is_out_of_memory, namespace
from had_cli.engine.blocks import block_shape, halves, windows, with_halo
from had_cli.engine.prefetch import prefetch
from had_cli.engine.run import Block, BlockMap, Reduction
from had_cli.engine.workers import cores, ordered
from had_cli.errors import HadError, SceneError
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.scenes.source import SceneInfo, Window

logger = logging.getLogger(__name__)
T = TypeVar("T")
_Piece = tuple[Window, npt.NDArray[np.float32], npt.NDArray[np.bool_]]
Progress = Callable[[str, float], None]

# A larger block reads no faster, and a smaller one keeps progress moving.
LARGEST_BLOCK = 2**26
# Below this, cutting a scene for more threads costs more than it gains.
SMALLEST_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class _HostBlock:
    """A block in host memory, on its way to the device."""

    cube: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    window: Window
    core: Window


class Executor(AbstractContextManager["Executor"]):
    """Runs block reductions and block maps over a scene; implements :class:`had_cli.engine.Run`.

    Parameters
    ----------
    scene
        What to work on.
    device
        As chosen by :func:`had_cli.devices.choose_device`.
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
        self.scene, self.device, self.seed, self.weights = scene, device, seed, weights
        self.stream, self.memory = stream, memory
        self.warnings: list[str] = []
        self.facts: dict[str, Any] = {}
        self._progress = progress or (lambda _label, _fraction: None)
        self._block_pixels, self._cost = block_pixels, cost
        self._xp = namespace(device)
        self._kept: tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]] | None = None
        self._scratch: list[Any] = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept = None
        for file in self._scratch:
            file.close()

    def __enter__(self) -> Self:
        return self

    # -- what a method calls --------------------------------------------------------------------
    def reduce(self, reduction: Reduction[T], label: str = "statistics") -> T:
        """Return the statistic over all valid pixels; see :meth:`had_cli.engine.Run.reduce`."""
        merged = _Pairwise(reduction.merge)

        def compute(block: _HostBlock) -> T | None:
            # without invalid pixels, rows are handed over without a copy
            pixels = block.cube.reshape(-1, block.cube.shape[-1])
            valid = block.valid.reshape(-1)
            if not valid.all():
                pixels = pixels[valid]
            return self._reduced(reduction, pixels) if len(pixels) else None

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

        def compute(block: _HostBlock) -> list[_Piece]:
            return self._mapped(function, block, align)

        workers = self._workers() if parallel else 1
        anything = False
        for pieces in self._passed(compute, label, workers, halo=halo, align=align, cost=cost):
            for place, values, valid in pieces:
                part = result[place.rows, place.cols]
                part[...] = values
                part[~valid] = np.nan
                anything = anything or bool(valid.any())
        if not anything:  # a method without reductions would pass an empty map for a result
            raise self._nothing_valid()
        return result[..., 0] if layers == 1 else result

    def through(
        self, function: BlockMap, *, bands: int, halo: int = 0, cost: int = 0, label: str = "features"
    ) -> Executor:
        """Return the run of the scene as ``function`` shows it; see :meth:`had_cli.engine.Run.through`."""
        scene = _Derived(self, function, bands, halo)
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
        run.warnings, run.facts, run._scratch = self.warnings, self.facts, self._scratch
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
        compute: Callable[[_HostBlock], T],
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
            cube = self.scene.read()
            self._kept = cube, valid_pixels(cube)
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
            self.memory // (in_flight * (bands * 4 + cost + self._cost)),
            max(SMALLEST_BLOCK, -(-rows * cols // workers) + 2 * halo * cols),
        )
        natural = self.scene.source.info.block if self.stream else None
        return block_shape(rows, cols, pixels, align=align, halo=halo, natural=natural)

    def _host_block(self, place: tuple[Window, Window]) -> _HostBlock:
        outer, core = place
        if self._kept is not None:
            cube, valid = (a[outer.rows, outer.cols] for a in self._kept)
        else:
            cube = self.scene.read(outer)
            valid = valid_pixels(cube)
        return _HostBlock(cube, valid, outer, core)

    def _nothing_valid(self) -> SceneError:
        return SceneError(
            f"{self.scene.path}: no valid pixel: every pixel is nodata, masked or not finite in some band; "
            "see `had info`, or choose bands with --bands"
        )

    def _read(self, window: Window) -> npt.NDArray[np.float32]:
        return self.scene.read(window) if self._kept is None else self._kept[0][window.rows, window.cols]

    def _allocate(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return an array for results, on disk when it would take more than half the memory."""
        if not self.stream or 4 * np.prod(shape, dtype=np.int64) <= self.memory // 2:
            return np.empty(shape, np.float32)
        file = tempfile.TemporaryFile(prefix="had-")  # noqa: SIM115 - closed with the executor
        self._scratch.append(file)
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)

    # -- the device -----------------------------------------------------------------------------
    def _reduced(self, reduction: Reduction[T], pixels: npt.NDArray[np.float32]) -> T:
        """Return the reduction of ``pixels``, in smaller pieces where the device's memory runs out."""
        try:
            return reduction.compute(self._to_device(pixels), self._xp)
        except Exception as error:
            if not is_out_of_memory(error) or self.device == "cpu":
                raise
        if len(pixels) > 1024:
            self._warn_memory("a smaller block")
            half = len(pixels) // 2
            return reduction.merge(
                self._reduced(reduction, pixels[:half]), self._reduced(reduction, pixels[half:])
            )
        self.leave_device(f"{self.device} ran out of memory even for a small block: continuing on the CPU")
        return self._reduced(reduction, pixels)

    def _mapped(self, function: BlockMap, block: _HostBlock, align: int) -> list[_Piece]:
        """Return (place in the scene, values, valid) of the core: one piece, unless memory runs out."""
        core = block.core
        try:
            values = self._values(function, block)
        except Exception as error:
            if not is_out_of_memory(error) or self.device == "cpu":
                raise
        else:
            if values.shape[:2] != (core.height, core.width):
                raise HadError(
                    f"{type(function).__name__} returned {values.shape[0]} x {values.shape[1]} values "
                    f"for a block of {core.height} x {core.width} pixels"
                )
            place = Window(block.window.col + core.col, block.window.row + core.row, core.width, core.height)
            return [(place, values, block.valid[core.rows, core.cols])]
        if (parts := halves(core, align)) is not None and core.width * core.height > 1024:
            self._warn_memory("smaller blocks")
        else:
            self.leave_device(
                f"{self.device} ran out of memory even for a small block: continuing on the CPU"
            )
            parts = (core,)  # type: ignore[assignment]
        return [piece for part in parts for piece in self._mapped(function, _narrow(block, part), align)]

    def _values(self, function: BlockMap, block: _HostBlock) -> npt.NDArray[np.float32]:
        valid = self._to_device(block.valid)
        values = function(Block(self._to_device(block.cube), valid, block.window, block.core, self._xp))
        if hasattr(values, "cpu"):
            values = values.cpu()
        values = np.asarray(values, dtype=np.float32)
        return values if values.ndim == 3 else values[..., None]

    def _to_device(self, array: npt.NDArray[Any]) -> Any:
        return array if self.device == "cpu" else self._xp.asarray(array, device=self.device)

    def _warn_memory(self, remedy: str) -> None:
        self.warn(f"{self.device} ran out of memory: continuing with {remedy}")

    def leave_device(self, reason: str) -> None:
        """Go on with the CPU, and tell the user why."""
        self.warn(reason)
        self.device, self._xp = "cpu", namespace("cpu")


def _narrow(block: _HostBlock, core: Window) -> _HostBlock:
    """Return the part of a block that answers for ``core``, with as much halo as the block has."""
    left, top = block.core.col, block.core.row
    right = block.window.width - left - block.core.width
    bottom = block.window.height - top - block.core.height
    halo = max(left, top, right, bottom)
    outer, inner = with_halo(core, halo, block.window.height, block.window.width)
    window = Window(block.window.col + outer.col, block.window.row + outer.row, outer.width, outer.height)
    return _HostBlock(block.cube[outer.rows, outer.cols], block.valid[outer.rows, outer.cols], window, inner)


class _Derived(Scene):
    """A scene whose pixels are a block map's of another's, computed when they are read."""

    def __init__(self, run: Executor, function: BlockMap, bands: int, halo: int) -> None:
        rows, cols, _ = run.scene.shape
        info = SceneInfo(
            path=run.scene.path,
            format="derived",
            shape=(rows, cols, bands),
            dtype=np.dtype(np.float32),
            block=run.scene.source.info.block,
        )
        super().__init__(_NoSource(info))
        self._run, self._function, self._halo = run, function, halo

    def read(self, window: Window | None = None) -> npt.NDArray[np.float32]:
        rows, cols, bands = self.shape
        view = window or Window(0, 0, cols, rows)
        block = self._run._host_block(with_halo(view, self._halo, rows, cols))
        result = np.empty((view.height, view.width, bands), np.float32)
        for place, values, valid in self._run._mapped(self._function, block, 1):
            part = result[place.row - view.row :, place.col - view.col :][: place.height, : place.width]
            part[...] = values
            part[~valid] = np.nan
        return result


class _NoSource:
    """Stands for a file where pixels are computed."""

    def __init__(self, info: SceneInfo) -> None:
        self.info = info

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        raise SceneError(f"{self.info.path}: a derived scene is read through its run")

    def valid(self, window: Window) -> None:
        return None

    def close(self) -> None:
        """Nothing is open."""


class _Pairwise:
    """Merges results pairwise in order of arrival, as a binary counter carries.

    Rounding grows with the logarithm of the number of blocks, and at most that many partial results
    are alive.
    """

    def __init__(self, merge: Callable[[Any, Any], Any]) -> None:
        self._merge = merge
        self._levels: list[tuple[int, Any]] = []

    @property
    def empty(self) -> bool:
        return not self._levels

    def add(self, value: Any) -> None:
        level = 0
        while self._levels and self._levels[-1][0] == level:
            value = self._merge(self._levels.pop()[1], value)
            level += 1
        self._levels.append((level, value))

    def result(self) -> Any:
        value = self._levels[-1][1]
        for _, earlier in reversed(self._levels[:-1]):
            value = self._merge(earlier, value)
        return value
