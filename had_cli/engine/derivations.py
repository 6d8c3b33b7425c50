"""Runs over what comes of a scene: features that a method makes of it, and the scene at a coarser scale."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.engine.blocks import with_halo
from had_cli.engine.derived import CELL, DerivedSource, averaged, cells_of, derived_info, kept_bytes
from had_cli.engine.passes import Passes, host_block
from had_cli.engine.reading import Pixels
from had_cli.engine.run import BlockMap, Run
from had_cli.engine.threads import cores, ordered
from had_cli.engine.worker import HostBlock
from had_cli.scenes.background import Background
from had_cli.scenes.scene import ArraySource
from had_cli.scenes.source import Window


class Derivations(Passes):
    """The part of an executor that makes runs over other scenes of its own."""

    _valid: list[int]  # pixels, as the passes have counted them

    @abstractmethod
    def allocate(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return an array for results."""

    @abstractmethod
    def _derived(self, source: Any, *, stream: bool, background: Background | None = None) -> Run:
        """Return a run over a scene that comes of this one."""

    def through(
        self, function: BlockMap, *, bands: int, halo: int = 0, cost: int = 0, label: str = "features"
    ) -> Run:
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

    def shrunk(self, factor: int, *, label: str = "smaller") -> Run:
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
        self.progress(label, 0.0)

        def filled(row: tuple[Pixels, list[Window]]) -> Window:
            for cell, values in zip(row[1], compute(row), strict=True):
                cube[cell.rows, cell.cols] = values
            return row[1][-1]

        kept = (read(cells) for cells in cells_of(Window(0, 0, cols, rows), shape))
        for last in ordered(filled, kept, lambda: cores() if self.device == "cpu" else 1):
            self.progress(label, (last.row * cols + last.height * (last.col + last.width)) / (rows * cols))
        return cube
