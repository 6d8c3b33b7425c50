"""Computing one block on the device, and what to do when its memory runs out."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

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
        self._xp = namespace(device)

    def reduced(self, reduction: Reduction[T], pixels: npt.NDArray[np.float32]) -> T:
        """Return the reduction of ``pixels``, in smaller pieces where the device's memory runs out."""
        try:
            return reduction.compute(self._to_device(pixels), self._xp)
        except Exception as error:
            if not is_out_of_memory(error) or self.device == "cpu":
                raise
        if len(pixels) > SMALLEST:
            self._warn_memory("a smaller block")
            half = len(pixels) // 2
            return reduction.merge(
                self.reduced(reduction, pixels[:half]), self.reduced(reduction, pixels[half:])
            )
        self.leave(f"{self.device} ran out of memory even for a small block: continuing on the CPU")
        return self.reduced(reduction, pixels)

    def mapped(self, function: BlockMap, block: HostBlock, halo: int, align: int) -> list[Piece]:
        """Return what covers the block's core: one piece, unless memory runs out."""
        core = block.core
        try:
            values = _on_host(self._called(function, block))
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
            return [Piece(place, values, block.valid[core.rows, core.cols])]
        return [
            piece
            for part in self._smaller(block, halo, align)
            for piece in self.mapped(function, part, halo, align)
        ]

    def reduced_block(
        self, reduction: BlockReduction[T], block: HostBlock, halo: int, align: int
    ) -> T | None:
        """Return the reduction of a block's core, in smaller pieces where memory runs out.

        None where no pixel of the core is valid.
        """
        if not block.valid[block.core.rows, block.core.cols].any():
            return None
        try:
            return self._called(reduction.compute, block)
        except Exception as error:
            if not is_out_of_memory(error) or self.device == "cpu":
                raise
        parts = [
            self.reduced_block(reduction, part, halo, align) for part in self._smaller(block, halo, align)
        ]
        found = [part for part in parts if part is not None]
        return functools.reduce(reduction.merge, found)

    def _smaller(self, block: HostBlock, halo: int, align: int) -> list[HostBlock]:
        """Return what to try after a block was too large: its halves, or itself on the CPU."""
        core = block.core
        parts: tuple[Window, ...] | None = halves(core, align)
        if parts is not None and core.width * core.height > SMALLEST:
            self._warn_memory("smaller blocks")
        else:
            self.leave(f"{self.device} ran out of memory even for a small block: continuing on the CPU")
            parts = (core,)
        return [_narrow(block, part, halo) for part in parts]

    def _called(self, function: Callable[[Block], T], block: HostBlock) -> T:
        valid = self._to_device(block.valid)
        # invalid pixels may hold anything, and what comes of them is not used
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            return function(Block(self._to_device(block.cube), valid, block.window, block.core, self._xp))

    def _to_device(self, array: npt.NDArray[Any]) -> Any:
        return array if self.device == "cpu" else self._xp.asarray(array, device=self.device)

    def _warn_memory(self, remedy: str) -> None:
        self._warn(f"{self.device} ran out of memory: continuing with {remedy}")

    def leave(self, reason: str) -> None:
        """Go on with the CPU, and tell the user why."""
        self._warn(reason)
        self.device, self._xp = "cpu", namespace("cpu")


def _on_host(values: Any) -> npt.NDArray[np.float32]:
    if hasattr(values, "cpu"):
        values = values.cpu()
    array: npt.NDArray[np.float32] = np.asarray(values, dtype=np.float32)
    return array if array.ndim == 3 else array[..., None]


def _narrow(block: HostBlock, core: Window, halo: int) -> HostBlock:
    """Return the part of a block that answers for ``core``, with its halo as far as the block reaches."""
    outer, inner = with_halo(core, halo, block.window.height, block.window.width)
    window = Window(block.window.col + outer.col, block.window.row + outer.row, outer.width, outer.height)
    return HostBlock(block.cube[outer.rows, outer.cols], block.valid[outer.rows, outer.cols], window, inner)
