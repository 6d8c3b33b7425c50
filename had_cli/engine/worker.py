"""Computing one block on the device, and what to do when its memory runs out."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from had_cli.engine.arrays import to_host
from had_cli.engine.blocks import halves, with_halo
from had_cli.engine.devices import is_out_of_memory, namespace
from had_cli.engine.run import Block, BlockMap, BlockReduction, Reduction
from had_cli.errors import HadError
from had_cli.scenes.source import Window

T = TypeVar("T")

SMALLEST = 1024  # pixels; a device that cannot hold so few is of no use


@dataclass(frozen=True, slots=True)
class HostBlock:
    """A block in host memory, on its way to the device."""

    cube: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]
    window: Window
    core: Window


class Piece(NamedTuple):
    """Values of a part of the scene: place, height x width x layers, height x width validity."""

    place: Window
    values: npt.NDArray[np.float32]
    valid: npt.NDArray[np.bool_]


class Worker:
    """Computes blocks on ``device``; ``warn`` takes what the user must know."""

    def __init__(self, device: str, warn: Callable[[str], None]) -> None:
        self.device = device
        self._warn = warn
        self._most: dict[str, int] = {}
        self._on_the_cpu: set[str] = set()

    def reduced(self, reduction: Reduction[T], pixels: npt.NDArray[np.float32]) -> T:
        """Return the reduction of ``pixels``, in smaller pieces where the device's memory runs out."""
        kind, count = _kind(reduction), len(pixels)
        if self._fits(kind, count):
            try:
                device = self._device_for(kind)
                return reduction.compute(_moved(pixels, device), namespace(device))
            except Exception as error:
                if not self._can_go_on(kind, count, error):
                    raise
        if self._fits(kind, count):  # elsewhere
            return self.reduced(reduction, pixels)
        half = count // 2
        return reduction.merge(self.reduced(reduction, pixels[:half]), self.reduced(reduction, pixels[half:]))

    def reduced_valid(
        self, reduction: Reduction[T], block: HostBlock, keep: npt.NDArray[np.bool_] | None = None
    ) -> T | None:
        """Return the reduction of a block's valid pixels, where ``keep`` is set; None where there is none."""
        valid = block.valid.reshape(-1)
        if keep is not None:
            valid = valid & keep.reshape(-1)
        pixels = _together(block.cube, valid)
        return self.reduced(reduction, pixels) if len(pixels) else None

    def mapped(self, function: BlockMap, block: HostBlock, halo: int, align: int) -> list[Piece]:
        """Return what covers the block's core: one piece, unless memory runs out."""

        def compute(part: HostBlock) -> Piece:
            return _checked(function, part, _on_host(self._called(function, part, _kind(function))))

        return list(self._in_parts(compute, _kind(function), block, halo, align))

    def reduced_block(
        self, reduction: BlockReduction[T], block: HostBlock, halo: int, align: int
    ) -> T | None:
        """Return the reduction of a block's core, in smaller pieces where memory runs out.

        None where no pixel of the core is valid.
        """

        def compute(part: HostBlock) -> T | None:
            if not part.valid[part.core.rows, part.core.cols].any():
                return None
            return self._called(reduction.compute, part, _kind(reduction))

        parts = self._in_parts(compute, _kind(reduction), block, halo, align)
        found = [part for part in parts if part is not None]
        return functools.reduce(reduction.merge, found) if found else None

    def _in_parts(
        self, compute: Callable[[HostBlock], T], kind: str, block: HostBlock, halo: int, align: int
    ) -> Iterator[T]:
        """Yield ``compute`` of the block, or of as many parts as the device's memory makes of it."""
        core = block.core
        smaller: tuple[Window, ...] = halves(core, align) or ()
        count = core.width * core.height if smaller else SMALLEST
        if self._fits(kind, count):
            try:
                result = compute(block)
            except Exception as error:
                if not self._can_go_on(kind, count, error):
                    raise
            else:
                yield result
                return
        for part in smaller if smaller and not self._fits(kind, count) else (core,):
            yield from self._in_parts(compute, kind, _narrow(block, part, halo), halo, align)

    def _fits(self, kind: str, count: int) -> bool:
        """Tell whether so many pixels have not been found too many for this kind of work."""
        return self.device == "cpu" or count <= max(SMALLEST, self._most.get(kind, count))

    def _device_for(self, kind: str) -> str:
        return "cpu" if kind in self._on_the_cpu else self.device

    def _can_go_on(self, kind: str, count: int, error: Exception) -> bool:
        """Tell whether there is another way, and take note of it for the blocks that follow."""
        device = self._device_for(kind)
        if device == "mps" and isinstance(error, TypeError) and "float64" in str(error):
            self._on_the_cpu.add(kind)
            self._warn(f"mps has no double precision, which {kind} needs: it is computed on the CPU")
            return True
        if device == "cpu" or not is_out_of_memory(error):
            return False
        if count > SMALLEST:
            self._most[kind] = (count + 1) // 2
            self._warn(f"{device} ran out of memory: continuing with smaller blocks")
        else:
            self.leave(f"{device} ran out of memory even for a small block: continuing on the CPU")
        return True

    def _called(self, function: Callable[[Block], T], block: HostBlock, kind: str) -> T:
        device = self._device_for(kind)
        cube, valid = _moved(block.cube, device), _moved(block.valid, device)
        # invalid pixels may hold anything, and what comes of them is not used
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            return function(Block(cube, valid, block.window, block.core, namespace(device)))

    def leave(self, reason: str) -> None:
        """Go on with the CPU, and tell the user why."""
        self._warn(reason)
        self.device = "cpu"


def _together(cube: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """Return the ``valid`` pixels of a cube, n x bands; the last ones stand where invalid ones were.

    So few are copied where few are invalid. A cube that has memory of its own is used up.
    """
    pixels = cube.reshape(-1, cube.shape[-1])
    count = int(np.count_nonzero(valid))
    if count == len(valid):
        return pixels
    kept = pixels[:count] if cube.base is None else pixels[:count].copy()
    kept[~valid[:count]] = pixels[count:][valid[count:]]
    return kept


def _kind(work: object) -> str:
    """Return what a reduction or a map is: what was learned of one block holds for the next."""
    return type(work).__name__


def _moved(array: npt.NDArray[Any], device: str) -> Any:
    return array if device == "cpu" else namespace(device).asarray(array, device=device)


def _on_host(values: Any) -> npt.NDArray[np.float32]:
    array: npt.NDArray[np.float32] = np.asarray(to_host(values), dtype=np.float32)
    return array if array.ndim == 3 else array[..., None]


def _checked(function: BlockMap, block: HostBlock, values: npt.NDArray[np.float32]) -> Piece:
    """Return the values with their place, or say that the method broke its contract."""
    core = block.core
    if values.shape[:2] != (core.height, core.width):
        raise HadError(
            f"{type(function).__name__} returned {values.shape[0]} x {values.shape[1]} values "
            f"for a block of {core.height} x {core.width} pixels"
        )
    place = Window(block.window.col + core.col, block.window.row + core.row, core.width, core.height)
    return Piece(place, values, block.valid[core.rows, core.cols])


def _narrow(block: HostBlock, core: Window, halo: int) -> HostBlock:
    """Return the part of a block that answers for ``core``, with its halo as far as the block reaches."""
    outer, inner = with_halo(core, halo, block.window.height, block.window.width)
    window = Window(block.window.col + outer.col, block.window.row + outer.row, outer.width, outer.height)
    return HostBlock(block.cube[outer.rows, outer.cols], block.valid[outer.rows, outer.cols], window, inner)
