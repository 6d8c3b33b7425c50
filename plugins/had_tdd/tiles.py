"""The map of a block of the scene: overlapping tiles through the network, blended where they overlap."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from had_cli.plugin import Block, full_float32
from had_tdd.network import Tdd, fused, layout
from had_tdd.normalising import Normaliser

EDGE = 1e-3  # least weight of a pixel of a tile, so that none is without
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Tiling:
    """How a scene is cut: tiles of patch + 2 pad pixels, ``patch`` apart, the first centred on the corner.

    Attributes
    ----------
    patch, pad : in pixels of the scene
    size : side of the network's input, to which a tile is resized
    blend : blend tiles where they overlap; without, keep the patch of each
    """

    patch: int
    pad: int
    size: int
    blend: bool = True

    @property
    def side(self) -> int:
        """Side of a tile."""
        return self.patch + 2 * self.pad

    @property
    def neighbours(self) -> int:
        """How many tiles on each side reach into a patch."""
        return -(-self.pad // self.patch) if self.blend else 0

    @property
    def halo(self) -> int:
        """Pixels around a block that its map depends on."""
        return self.neighbours * self.patch + self.pad

    def weights(self) -> Tensor:
        """Return (side,) weights along a tile: of all tiles at a pixel they sum to 1.

        They rise in a straight line over the whole overlap, so that the change from one tile to the next is
        spread evenly.
        """
        weights = torch.zeros(self.side, dtype=torch.float64)
        if not self.blend or not self.pad:
            weights[self.pad : self.pad + self.patch] = 1
            return weights.float()
        ramp = min(2 * self.pad, self.side // 2)
        rising = (torch.arange(ramp) + 0.5) / ramp
        weights[:] = 1
        weights[:ramp] *= rising
        weights[-ramp:] *= rising.flip(0)
        weights.clamp_(min=EDGE)
        reach = range(-(self.side // self.patch), self.side // self.patch + 1)
        total = sum(_shifted(weights, step * self.patch) for step in reach)
        return (weights / total).float()


@dataclass(frozen=True)
class TileMap:
    """Block map to the scores: needs a halo of ``tiling.halo``, and cores aligned to the patch.

    Where the scene ends it is continued by mirroring; inside, tiles see the scene's own pixels, so the
    result does not depend on how the scene is cut into blocks. Invalid pixels show the mean spectrum.

    Parameters
    ----------
    network
        In inference mode.
    normaliser
        From the scene's spectra to the network's values.
    tiling
        How to cut.
    at_once
        Tiles in a batch.
    """

    network: Tdd
    normaliser: Normaliser
    mean: npt.NDArray[np.float32]
    tiling: Tiling
    at_once: int = 4
    _ready: dict[str, Tdd] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the rest on use."""
        return {**self.__dict__, "_ready": {}}

    def __call__(self, block: Block) -> Any:
        """Return core height x core width scores."""
        tiling, core = self.tiling, block.core
        with torch.inference_mode(), full_float32():
            cube = torch.as_tensor(block.cube)
            valid = torch.as_tensor(block.valid, device=cube.device)
            network, weights = self._network(str(cube.device)), tiling.weights().to(cube.device)
            rows, down = _continued(tiling, core.row, core.height, block.window.height)
            cols, across = _continued(tiling, core.col, core.width, block.window.width)
            result = torch.zeros((len(rows), len(cols)), device=cube.device)
            corners = _places(tiling, down, across)
            for places in (corners[i : i + self.at_once] for i in range(0, len(corners), self.at_once)):
                seen = torch.stack([self._tile(cube, valid, rows, cols, place) for place in places])
                maps = functional.interpolate(
                    network.score(self._resized(seen))[:, None],
                    size=(tiling.side, tiling.side),
                    mode="bilinear",
                    align_corners=False,
                )[:, 0]
                for (row, col), scores in zip(places, maps, strict=True):
                    part = result[row : row + tiling.side, col : col + tiling.side]
                    part += scores * weights[:, None] * weights
            scores = result[tiling.halo :, tiling.halo :][: core.height, : core.width]
        return scores.numpy() if isinstance(block.cube, np.ndarray) else scores

    def _tile(
        self, cube: Tensor, valid: Tensor, rows: Indices, cols: Indices, place: tuple[int, int]
    ) -> Tensor:
        """Return channels x side x side of a tile."""
        side = self.tiling.side
        i, j = (
            torch.as_tensor(index[start : start + side], device=cube.device)
            for index, start in zip((rows, cols), place, strict=True)
        )
        there = valid[i][:, j][..., None]
        spectra = torch.where(there, cube[i][:, j], torch.as_tensor(self.mean, device=cube.device))
        seen: Tensor = self.normaliser.normalisation.features(self.normaliser(spectra))
        return seen.permute(2, 0, 1)

    def _resized(self, seen: Tensor) -> Tensor:
        size = (self.tiling.size, self.tiling.size)
        seen = functional.interpolate(seen, size=size, mode="bilinear", align_corners=False)
        return seen.contiguous(memory_format=layout(self.network))

    def _network(self, device: str) -> Tdd:
        if device not in self._ready:
            self._ready[device] = fused(self.network).to(device, memory_format=layout(self.network))  # type: ignore[call-overload]
        return self._ready[device]


def _places(tiling: Tiling, down: int, across: int) -> list[tuple[int, int]]:
    """Return the corners of the tiles that reach into a core of so many patches."""
    more = 2 * tiling.neighbours
    return [
        (row * tiling.patch, col * tiling.patch) for row in range(down + more) for col in range(across + more)
    ]


def _continued(tiling: Tiling, start: int, length: int, size: int) -> tuple[Indices, int]:
    """Return for a core of a block the indices that its tiles need, and how many patches cover it.

    The indices are mirrored where they leave the block, that is, the scene.
    """
    patches = -(-length // tiling.patch)
    first = start - tiling.halo
    return folded(np.arange(first, first + patches * tiling.patch + 2 * tiling.halo), size), patches


def folded(places: Indices, size: int) -> Indices:
    """Return places along an axis of ``size``, mirrored where they leave it."""
    period = max(1, 2 * (size - 1))
    within = np.abs(places) % period
    return np.minimum(within, period - within) if size > 1 else np.zeros_like(places)


def _shifted(values: Tensor, step: int) -> Tensor:
    """Return ``values`` moved by ``step`` places, zeros coming in."""
    moved = torch.zeros_like(values)
    if abs(step) < len(values):
        moved[max(0, step) : len(values) + min(0, step)] = values[max(0, -step) : len(values) - max(0, step)]
    return moved
