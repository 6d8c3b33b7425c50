"""The cubes that FERS hands to a detector: x + f_spe + f_spa and its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from had_cli.plugin import Block, full_float32
from had_ferd.enhancement import Enhance
from had_fers.pooling import interpolation
from had_fers.spatial import PyramidPooling
from had_fers.summaries import Summaries
from had_fers.tiles import Axis

PIECE = 128  # side of what is enlarged at once: its 128 channels take 8 MB


@dataclass(frozen=True)
class SpatialFeature:
    """The spatial feature f_spa at any place of a scene, out of the summaries of its tiles.

    A place is answered for alone, so the result does not depend on how the engine cuts the scene.
    """

    pyramid: PyramidPooling
    found: Summaries
    _ready: dict[str, PyramidPooling] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the rest on use."""
        return {**self.__dict__, "_ready": {}}

    def add_to(self, cube: Tensor, row: int, col: int) -> None:
        """Add the feature to rows x cols x bands that begin at a place of the scene."""
        height, width, _ = cube.shape
        for top in range(row, row + height, PIECE):
            for left in range(col, col + width, PIECE):
                bottom, right = min(top + PIECE, row + height), min(left + PIECE, col + width)
                part = cube[top - row : bottom - row, left - col : right - col]
                for values, y, x in self._parts(str(cube.device), (top, bottom), (left, right)):
                    part[y.start - top : y.stop - top, x.start - left : x.stop - left] += values

    def _parts(
        self, device: str, rows: tuple[int, int], cols: tuple[int, int]
    ) -> Iterator[tuple[Tensor, slice, slice]]:
        """Yield what every tile adds, rows x cols x bands, and where in the scene."""
        down, across = self.found.down, self.found.across
        for i in down.over(*rows):
            y, matrix_y, share_y = _along(down, i, *rows, device)
            for j in across.over(*cols):
                x, matrix_x, share_x = _along(across, j, *cols, device)
                grids = torch.as_tensor(np.asarray(self.found.grids[i, j]), device=device)[None]
                gains = torch.as_tensor(np.asarray(self.found.gains[i, j]), device=device)
                values = self._pyramid(device).bands(grids, matrix_y, matrix_x)[0].permute(1, 2, 0)
                yield values * gains * share_y[:, None, None] * share_x[:, None], y, x

    def _pyramid(self, device: str) -> PyramidPooling:
        if device not in self._ready:
            pyramid = PyramidPooling(self.found.gains.shape[2])
            pyramid.load_state_dict(self.pyramid.state_dict())
            self._ready[device] = pyramid.to(device)
        return self._ready[device]


def _along(axis: Axis, tile: int, start: int, stop: int, device: str) -> tuple[slice, Tensor, Tensor]:
    """Return where a tile meets pixels of an axis, its interpolation there, and its shares."""
    own = int(axis.starts[tile])
    start, stop = max(start, own), min(stop, own + axis.length)
    matrix = interpolation(axis.length, device)[start - own : stop - own]
    share = torch.as_tensor(axis.share(tile, start, stop).astype(np.float32), device=device)
    return slice(start, stop), matrix, share


@dataclass(frozen=True)
class Fused:
    """Block map to x + f_spe + f_spa, or without ``spectral`` to x + f_spa.

    Core height x core width x network bands; needs the halo of FERD's network for f_spe.
    """

    enhance: Enhance
    spatial: SpatialFeature
    spectral: bool = True

    @property
    def cost(self) -> int:
        """What it needs for itself, in bytes per pixel."""
        return self.enhance.cost

    def __call__(self, block: Block) -> Any:
        """Return the cube, an array of the block's namespace."""
        with torch.inference_mode(), full_float32():
            cube = torch.as_tensor(self.enhance(block) if self.spectral else self._scaled(block))
            row, col = block.window.row + block.core.row, block.window.col + block.core.col
            self.spatial.add_to(cube, row, col)
        return cube.numpy() if isinstance(block.cube, np.ndarray) else cube

    def _scaled(self, block: Block) -> Tensor:
        cube = torch.as_tensor(block.core_of(block.cube))
        valid = torch.as_tensor(block.core_of(block.valid), device=cube.device)
        return self.enhance.scaled(cube, valid)[0].permute(1, 2, 0).contiguous()
