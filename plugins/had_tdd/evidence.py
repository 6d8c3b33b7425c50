"""What the network over maps sees of a scene: where each pixel stands among the others, by five measures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from had_cli.plugin import BandGrid, Block, Run, full_float32, resampling
from had_ssf.detector import three_maps
from had_ssf.fusion import fused
from had_ssf.opening import AREA, take_back
from had_tdd.normalising import (
    SURROUNDINGS,
    WHITEN,
    Normalisation,
    Normaliser,
    Statistics,
    of_scene,
    surroundings,
)

COMPONENTS = 24
NAMES = ("th", "rcf", "near", "large", "surroundings", "scene")
START = NAMES.index("surroundings")  # the map that an untrained network gives
LARGE = 0.7  # the share of its opening that SSF takes from the sum
COST = 48 * COMPONENTS  # bytes per pixel of what is whitened and averaged
Layers = npt.NDArray[np.float32]


def evidence(run: Run) -> Layers:
    """Return rows x cols x len(NAMES), NaN at invalid pixels.

    All but ``large`` are log-ranks over the scene, -log(1 - rank / N + 1 / N): of SSF's three maps, of the
    Mahalanobis distance from the mean of the 9 x 9 pixels around, and of that from the scene's mean, both on
    the 24 leading components. ``large`` is what SSF takes off the sum of the first three, because large
    things are no anomalies.
    """
    maps, energies = three_maps(run), _energies(run)
    rows, cols, _ = maps.shape
    layers = run.allocate((rows, cols, len(NAMES)))
    total = run.allocate((rows, cols))
    fused(maps, total)
    layers[..., 3] = total
    take_back(total, LARGE, AREA)
    layers[..., 3] -= total
    for layer in range(3):
        fused(maps[..., layer : layer + 1], layers[..., layer])
    for layer in range(energies.shape[-1]):
        fused(energies[..., layer : layer + 1], layers[..., START + layer])
    return layers


def _energies(run: Run) -> Layers:
    grid = BandGrid.of(run.scene)
    spectra, normalisation = resampling(grid, grid), Normalisation(WHITEN, COMPONENTS)
    known = run.reduce(Statistics(spectra))
    normaliser = of_scene(normalisation, spectra, known)
    function = Energies(normaliser, known.moments.mean.astype(np.float32))
    return run.map(function, layers=2, halo=SURROUNDINGS // 2, cost=COST, parallel=False, label="distances")


@dataclass(frozen=True, eq=False)
class Energies:
    """Block map to the mean squares of whitened components.

    The first layer is of the difference from the mean of the 9 x 9 pixels around, the second of the
    components themselves. Invalid pixels show the scene's mean.
    """

    normaliser: Normaliser
    mean: Layers

    def __call__(self, block: Block) -> Any:
        """Return core height x core width x 2."""
        with torch.inference_mode(), full_float32():
            cube = torch.as_tensor(block.cube)
            valid = torch.as_tensor(block.valid, device=cube.device)
            spectra = torch.where(valid[..., None], cube, torch.as_tensor(self.mean, device=cube.device))
            values = self.normaliser(spectra)
            squares = [part.square().mean(dim=-1) for part in (values - surroundings(values), values)]
            layers = block.core_of(torch.stack(squares, dim=-1))
        return layers.numpy() if isinstance(block.cube, np.ndarray) else layers
