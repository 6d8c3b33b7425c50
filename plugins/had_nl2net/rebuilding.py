"""The block map from a scene to its background and to what the background does not explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from had_cli.plugin import Block, HadError, Window, windows, with_halo
from had_nl2net.learning import rebuilt
from had_nl2net.network import NL2Net
from had_nl2net.scaling import Cube, Input, Mask


@dataclass(frozen=True)
class Rebuilding:
    """Block map to the mean squared difference from the background, and the background if asked for.

    A block's core begins at a multiple of ``core`` pixels. It is cut there into tiles, each rebuilt
    with ``halo`` pixels around it, so that the result does not depend on the blocks.

    Attributes
    ----------
    core, halo : pixels; with a core as large as the scene, all of it is one tile
    background : 1 + bands layers, the background in the units of the scene behind the difference
    """

    network: NL2Net
    scaling: Input
    precision: torch.dtype
    core: int
    halo: int
    background: bool = False

    def __call__(self, block: Block) -> npt.NDArray[np.float32]:
        """Return core height x core width x layers."""
        device = str(block.cube.device) if isinstance(block.cube, torch.Tensor) else "cpu"
        self.network.to(device)
        cube, valid = _host(block.cube), _host(block.valid)
        rows, cols, bands = cube.shape
        layers = 1 + bands if self.background else 1
        result = np.zeros((block.core.height, block.core.width, layers), np.float32)
        for part in windows(block.core.height, block.core.width, (self.core, self.core)):
            tile = Window(block.core.col + part.col, block.core.row + part.row, part.width, part.height)
            outer, inner = with_halo(tile, self.halo, rows, cols)
            seen = cube[outer.rows, outer.cols], valid[outer.rows, outer.cols]
            if seen[1][inner.rows, inner.cols].any():  # else nobody asks
                result[part.rows, part.cols] = self._tile(*seen, device)[inner.rows, inner.cols]
        return result

    def _tile(self, cube: Cube, valid: Mask, device: str) -> Cube:
        shown = self.scaling.shown(cube, valid, self.network.factor).to(device)
        with torch.no_grad():
            background = rebuilt(self.network, shown, self.precision)
            squares = (shown - background).square().mean(dim=1)[0]
        if not bool(torch.isfinite(squares).all()):
            raise HadError("nl2net: the background is no number; the weights are damaged")
        rows, cols = valid.shape
        difference: Cube = squares[:rows, :cols, None].cpu().numpy()
        if not self.background:
            return difference
        cubes = background[0, :, :rows, :cols].permute(1, 2, 0).cpu().numpy()
        return np.concatenate([difference, self.scaling.unscaled(cubes)], axis=-1)


def _host(array: Any) -> npt.NDArray[Any]:
    return np.asarray(array.cpu() if isinstance(array, torch.Tensor) else array)
