"""The map of a block of the scene from tiles as large as memory allows, each enlarged and computed once.

Small tiles that overlap by half of their side compute every pixel four times. A network with the exact
attention is a chain of local steps but for its global attention, so it takes an image of any size; what
it saw in training is kept where it matters (:func:`had_tdd.network.for_large_images`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from had_cli.plugin import Block, full_float32
from had_tdd.network import STAGES, STEP, Tdd, for_large_images, layout, scaled
from had_tdd.normalising import Normaliser
from had_tdd.tiles import Indices, Tiling, folded

BYTES = 2**27  # that a large tile takes, with all that is made of it
MARGIN = 3 / 8  # least pad in sides of a tile of training: so far the zeros around a large tile are seen
ALIVE = 4  # images of the first stage that are held at a time


@dataclass(frozen=True)
class LargeTiling:
    """Tiles of ``core`` + 2 ``pad`` pixels, ``core`` apart, enlarged as ``tiling`` enlarges its own.

    Attributes
    ----------
    tiling : the tiles that the network saw in training
    core, pad : in pixels of the scene, multiples of ``step``
    """

    tiling: Tiling
    core: int
    pad: int

    @classmethod
    def of(cls, tiling: Tiling, pixel: int) -> LargeTiling:
        """Return tiles that take :data:`BYTES` at ``pixel`` bytes for a pixel of the scene."""
        step = _step(tiling)
        pad = math.ceil(max(tiling.pad, MARGIN * tiling.side) / step) * step
        side = max(math.isqrt(BYTES // pixel), tiling.side + 2 * pad)
        return cls(tiling, max(step, (side - 2 * pad) // step * step), pad)

    @property
    def step(self) -> int:
        """Pixels of the scene that become whole pixels of the network's deepest features."""
        return _step(self.tiling)

    def length(self, core: int) -> int:
        """Return the pixels along a tile that answers for ``core`` of them: at least a tile of training."""
        step = self.step
        return max(-(-core // step) * step + 2 * self.pad, -(-self.tiling.side // step) * step)

    def enlarged(self, length: int) -> int:
        """Return what so many pixels of the scene are enlarged to."""
        return length * self.tiling.size // self.tiling.side


def _step(tiling: Tiling) -> int:
    return STEP * tiling.side // math.gcd(STEP * tiling.side, tiling.size)


def pixel_cost(network: Tdd, tiling: Tiling, channels: int) -> int:
    """Return the bytes that a pixel of the scene takes on its way through the network."""
    enlarged = channels + ALIVE * scaled(STAGES[0][0], network.width)
    return 4 * (3 * channels + math.ceil(enlarged * (tiling.size / tiling.side) ** 2))


@dataclass(frozen=True)
class LargeTileMap:
    """Block map to the scores: needs a halo of ``tiling.pad``, and cores aligned to ``tiling.core``.

    Where the scene ends it is continued by mirroring; inside, tiles see the scene's own pixels. Invalid
    pixels show the mean spectrum.

    Parameters
    ----------
    network
        In inference mode, with the exact attention.
    normaliser
        From the scene's spectra to the network's values.
    mean
        (bands,) of the scene.
    tiling
        How to cut.
    """

    network: Tdd
    normaliser: Normaliser
    mean: npt.NDArray[np.float32]
    tiling: LargeTiling
    _ready: dict[str, Tdd] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the rest on use."""
        return {**self.__dict__, "_ready": {}}

    def __call__(self, block: Block) -> Any:
        """Return core height x core width scores."""
        core, step = block.core, self.tiling.core
        with torch.inference_mode(), full_float32():
            cube = torch.as_tensor(block.cube)
            valid = torch.as_tensor(block.valid, device=cube.device)
            result = torch.empty((core.height, core.width), device=cube.device)
            for row in range(0, core.height, step):
                for col in range(0, core.width, step):
                    part = result[row : row + step, col : col + step]
                    places = (
                        self._places(core.row + row, part.shape[0], block.window.height),
                        self._places(core.col + col, part.shape[1], block.window.width),
                    )
                    pad = self.tiling.pad
                    part[...] = self._scores(cube, valid, *places)[pad:, pad:][: len(part), : part.shape[1]]
        return result.numpy() if isinstance(block.cube, np.ndarray) else result

    def _places(self, start: int, length: int, size: int) -> Indices:
        """Return the indices into the block of the tile that answers for ``length`` pixels from ``start``."""
        first = start - self.tiling.pad
        return folded(np.arange(first, first + self.tiling.length(length)), size)

    def _scores(self, cube: Tensor, valid: Tensor, rows: Indices, cols: Indices) -> Tensor:
        """Return rows x cols scores of a tile."""
        spectra, there = (_taken(_taken(values, rows, 0), cols, 1) for values in (cube, valid))
        if not bool(there.all()):
            mean = torch.as_tensor(self.mean, device=cube.device)
            spectra = torch.where(there[..., None], spectra, mean)
        seen = self.normaliser.normalisation.features(self.normaliser(spectra)).permute(2, 0, 1)[None]
        network = self._network(str(cube.device))
        size = [self.tiling.enlarged(len(places)) for places in (rows, cols)]
        enlarged = functional.interpolate(seen, size=size, mode="bilinear", align_corners=False)
        scores = network.score(enlarged.contiguous(memory_format=layout(network)))[:, None]
        return functional.interpolate(
            scores, size=(len(rows), len(cols)), mode="bilinear", align_corners=False
        )[0, 0]

    def _network(self, device: str) -> Tdd:
        if device not in self._ready:
            ready = for_large_images(self.network, self.tiling.tiling.size)
            self._ready[device] = ready.to(device, memory_format=layout(ready))  # type: ignore[call-overload]
        return self._ready[device]


def _taken(values: Tensor, places: Indices, axis: int) -> Tensor:
    """Return ``values`` at ``places`` along an axis, as a view where these follow one another."""
    if (np.diff(places) == 1).all():
        return values.narrow(axis, int(places[0]), len(places))
    return values.index_select(axis, torch.as_tensor(places, device=values.device))
