"""What the training looks at: the whole scene, or a random crop of a large one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
import torch

from had_cli.plugin import Scene, Window, valid_pixels, windows
from had_nl2net.scaling import Cube, Input, Mask
from had_nl2net.settings import Settings

DRAWS = 16  # crops looked at before one with less than half of its pixels valid is taken


class View(NamedTuple):
    """An image to rebuild.

    Attributes
    ----------
    shown : 1 x bands x padded rows x padded cols, the network's input
    rows, cols : the size without padding
    valid : rows x cols of 0 and 1, or None where all pixels are valid
    """

    shown: torch.Tensor
    rows: int
    cols: int
    valid: torch.Tensor | None


class Views(Protocol):
    """Gives an image for every epoch, the same one whenever it is asked."""

    def __call__(self, epoch: int) -> View:
        """Return the image of an epoch."""
        ...


def views_of(scene: Scene, scaling: Input, settings: Settings, *, seed: int, device: str) -> Views:
    """Return the whole scene, or crops of one that is too large for that."""
    rows, cols, _ = scene.shape
    if settings.is_large(rows, cols):
        return Crops(scene, scaling, settings, seed=seed, device=device)
    cube = scene.read()
    whole = view(cube, valid_pixels(cube), scaling, settings.factor, device)
    return lambda epoch: whole  # noqa: ARG005 - as every Views


def view(cube: Cube, valid: Mask, scaling: Input, factor: int, device: str) -> View:
    """Return a cube as the network sees it on ``device``."""
    weights = None if valid.all() else torch.from_numpy(valid.astype(np.float32)).to(device)
    shown = scaling.shown(cube, valid, factor).to(device)
    rows, cols = valid.shape
    return View(shown, rows, cols, weights)


class Crops:
    """Crops of a large scene, drawn by seed and epoch alone, so that a resumed training goes on alike."""

    def __init__(self, scene: Scene, scaling: Input, settings: Settings, *, seed: int, device: str) -> None:
        self._scene, self._scaling, self._device = scene, scaling, device
        self._settings, self._seed = settings, seed

    def __call__(self, epoch: int) -> View:
        """Return the first crop of which half is valid; else the best of some, or any at all."""
        best: tuple[int, Cube, Mask] | None = None
        for number, window in enumerate(self._candidates(epoch)):
            if best is not None and number >= DRAWS:
                break
            cube = self._scene.read(window)
            valid = valid_pixels(cube)
            count = int(np.count_nonzero(valid))
            if count and (best is None or count > best[0]):
                best = count, cube, valid
            if 2 * count >= valid.size:
                break
        assert best is not None  # noqa: S101 - the grid covers the scene, and some pixel of it is valid
        return view(best[1], best[2], self._scaling, self._settings.factor, self._device)

    def _candidates(self, epoch: int) -> Iterator[Window]:
        rows, cols, _ = self._scene.shape
        height, width = min(rows, self._settings.tile_size), min(cols, self._settings.tile_size)
        random = np.random.default_rng([self._seed, epoch])
        drawn = (
            Window(
                int(random.integers(cols - width + 1)), int(random.integers(rows - height + 1)), width, height
            )
            for _ in range(DRAWS)
        )
        return itertools.chain(drawn, windows(rows, cols, (height, width)))
