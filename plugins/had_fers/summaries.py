"""What the spatial network makes of the tiles of a scene, small enough to be kept."""

from __future__ import annotations

import copy
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from had_cli.plugin import (
    OutputError,
    Run,
    Scene,
    Window,
    full_float32,
    is_out_of_memory,
    prefetch,
    valid_pixels,
)
from had_ferd.enhancement import Enhance
from had_fers.spatial import SpatialNetwork, Summary
from had_fers.tiles import Axis

READ_AT_ONCE = 2**26  # bytes of the scene: tiles side by side overlap, so several are read together
IN_MEMORY = 2**28  # bytes of summaries; more of them lie in a temporary file
BATCH = 2**16  # pixels of tiles that go through the network together

Array = npt.NDArray[np.float32]
Tile = tuple[Array, npt.NDArray[np.bool_]]  # its pixels, and which are valid


@dataclass(frozen=True)
class Summaries:
    """The summaries of all tiles (:class:`had_fers.spatial.Summary`).

    Attributes
    ----------
    down, across : how the rows and the columns are cut
    grids : tiles down x tiles across x 128 x 21
    gains : tiles down x tiles across x bands
    """

    down: Axis
    across: Axis
    grids: Array
    gains: Array


class _Strip(NamedTuple):
    """Tiles side by side, read together."""

    row: int
    tiles: range
    cube: Array
    valid: npt.NDArray[np.bool_]


def summaries(run: Run, network: SpatialNetwork, enhance: Enhance, tile: int) -> Summaries:
    """Return the summaries of a scene: one pass over it, in which pixels under two tiles are read twice.

    A tile without any valid pixel is left out; no pixel that has a score lies in it.

    Parameters
    ----------
    enhance
        Scales cubes for the network.
    tile
        Pixels along the side of a tile, where the scene is cut at all.
    """
    rows, cols, bands = run.scene.shape
    down, across = Axis.of(rows, tile), Axis.of(cols, tile)
    count = len(down.starts), len(across.starts)
    found = Summaries(down, across, _zeros((*count, *network.cells)), _zeros((*count, network.channels)))
    spare = READ_AT_ONCE // (4 * bands * down.length) - across.length
    together = 1 + max(0, 2 * spare // across.length)
    plan = [
        (row, range(first, min(first + together, count[1])))
        for row in range(count[0])
        for first in range(0, count[1], together)
    ]
    placed = _PlacedNetwork(run, network, enhance)
    run.progress("spatial features", 0.0)
    strips = prefetch(lambda place: _read(run.scene, down, across, *place), plan)
    for done, strip in enumerate(strips, start=1):
        for index, summary in placed.summaries(strip, across):
            found.grids[strip.row, index], found.gains[strip.row, index] = summary
        run.progress("spatial features", done / len(plan))
    return found


def _read(scene: Scene, down: Axis, across: Axis, row: int, tiles: range) -> _Strip:
    left, right = across.starts[tiles[0]], across.starts[tiles[-1]] + across.length
    window = Window(int(left), int(down.starts[row]), int(right - left), down.length)
    cube = np.ascontiguousarray(scene.read(window))
    return _Strip(row, tiles, cube, valid_pixels(cube))


class _PlacedNetwork:
    """The network where it computes: on the device, and on the CPU once its memory has run out."""

    def __init__(self, run: Run, network: SpatialNetwork, enhance: Enhance) -> None:
        self.run, self.network, self.enhance = run, network, enhance
        self._most: int | None = None  # tiles that the device's memory holds, once that is known
        self._go_to(run.device)

    def summaries(self, strip: _Strip, across: Axis) -> Iterator[tuple[int, tuple[Array, Array]]]:
        """Yield the summaries of the tiles of a strip that hold anything."""
        first = across.starts[strip.tiles[0]]
        places = {
            j: slice(int(across.starts[j] - first), int(across.starts[j] - first) + across.length)
            for j in strip.tiles
        }
        full = [j for j in strip.tiles if strip.valid[:, places[j]].any()]
        size = max(1, BATCH // (len(strip.cube) * across.length))
        for start in range(0, len(full), size):
            batch = full[start : start + size]
            shown = [(strip.cube[:, places[j]], strip.valid[:, places[j]]) for j in batch]
            yield from zip(batch, zip(*self._computed(shown), strict=True), strict=True)

    def _computed(self, tiles: list[Tile]) -> tuple[Array, Array]:
        """Return the summaries of ``tiles``; where memory runs out by fewer at a time, then on the CPU."""
        if self.device == "cpu" or self._most is None or len(tiles) <= self._most:
            try:
                return self._compute(tiles)
            except Exception as error:
                if self.device == "cpu" or not is_out_of_memory(error):
                    raise
            self._give_way(len(tiles))
        if self.device == "cpu" or self._most is None or len(tiles) <= self._most:
            return self._computed(tiles)
        half = len(tiles) // 2
        parts = [self._computed(tiles[:half]), self._computed(tiles[half:])]
        return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])

    def _give_way(self, count: int) -> None:
        if count > 1:
            self._most = (count + 1) // 2
            self.run.warn(f"{self.device} ran out of memory: spatial features of fewer tiles at a time")
        else:
            self.run.warn(f"{self.device} ran out of memory: spatial features are computed on the CPU")
            self._go_to("cpu")

    def _compute(self, tiles: list[Tile]) -> tuple[Array, Array]:
        with torch.inference_mode(), full_float32():
            x = torch.cat(
                [self.enhance.scaled(self._on_device(cube), self._on_device(valid)) for cube, valid in tiles]
            )
            summary: Summary = self._network.summary(x)
            return summary.grids.cpu().numpy(), summary.gains.cpu().numpy()

    def _on_device(self, array: npt.NDArray[np.generic]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def _go_to(self, device: str) -> None:
        self.device = device
        self._network = copy.deepcopy(self.network).to(device)


def _zeros(shape: tuple[int, ...]) -> Array:
    if 4 * np.prod(shape, dtype=np.int64) <= IN_MEMORY:
        return np.zeros(shape, np.float32)
    needed, folder = 4 * int(np.prod(shape, dtype=np.int64)), tempfile.gettempdir()
    if needed > shutil.disk_usage(folder).free:  # or the process would be killed once the disk is full
        raise OutputError(
            f"summaries of the tiles take {needed / 1e9:.1f} GB, more than is free in {folder}; set TMPDIR "
            "to another folder, or take a part of the scene with --window"
        )
    # the file has no name any more, and goes with the array
    with tempfile.TemporaryFile(prefix="had-") as file:
        return np.memmap(file, dtype=np.float32, mode="w+", shape=shape)
