"""Patches of background to train on, read from scenes of any size when they are needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from had_cli.plugin import (
    BandGrid,
    Resampling,
    Scene,
    TrainingJob,
    Window,
    draw_patch,
    hold_out_scenes,
    read_patch,
    resampling,
    scene_runs,
)
from had_ferd.enhancement import CubeStatistics, ResampledSums, scaled, statistics

SIDE = 64  # of a patch; with the border of 8 a multiple of 8, as the graph needs
STRIP = 32  # rows held out of a scene where there are too few scenes to hold out whole ones
MANY_SCENES = 16  # from so many on, whole scenes are held out; fewer differ too much to do without one
SOME_SCENES = 4  # from so many on, whole scenes are held out where none is large enough for a strip


@dataclass(frozen=True, eq=False)
class Region:
    """A part of a scene that patches are cut from, with what brings spectra into the network's form."""

    scene: Scene
    window: Window
    spectra: Resampling
    statistics: CubeStatistics

    @property
    def area(self) -> int:
        """Its pixels."""
        return self.window.width * self.window.height

    def patch(self, row: int, col: int, side: int) -> tuple[Tensor, float]:
        """Return bands x side x side in [-0.1, 0.1] at a place in the region, and the part that is valid.

        Invalid pixels hold the mean spectrum; a region smaller than the patch is reflected.
        """
        height, width = min(side, self.window.height), min(side, self.window.width)
        place = Window(self.window.col + col, self.window.row + row, width, height)
        mean = self.statistics.mean.astype(np.float32)
        spectra, valid = read_patch(self.scene, place, self.spectra, mean, side)
        x = scaled(torch.from_numpy(np.ascontiguousarray(spectra)), self.statistics.extrema)
        return x.permute(2, 0, 1), valid

    def draw(self, random: np.random.Generator, side: int = SIDE) -> Tensor:
        """Return a patch at random that is not mostly invalid, as far as one is found."""
        _, _, cols, rows = self.window
        return draw_patch(random, rows, cols, side, lambda row, col: self.patch(row, col, side))


class Patches:
    """What a network trains on and is validated by: random patches, and fixed ones that are held out.

    Attributes
    ----------
    regions : to draw from
    held : N x bands x side x side patches held out, or None where the scenes are too few and too small
    steps : batches of an epoch
    """

    def __init__(self, job: TrainingJob, grid: BandGrid, params: Any) -> None:
        self._count, self._augment = params.batch_size, params.augment
        self.regions, held = hold_out(regions(job, grid), job.seed)
        self.held = fixed_patches(held, self._count)
        area = sum(region.area for region in self.regions)
        self.steps = max(1, math.ceil((params.patches or area / SIDE**2) / self._count))
        if self.held is None:
            job.warn(
                "the scenes are too few and too small to hold patches out: the last epoch is kept, whatever "
                "its loss; give four scenes or more, or one of 96 rows"
            )

    @property
    def selection(self) -> str:
        """How the epoch is chosen, for the header of the weights."""
        return "last epoch" if self.held is None else "least loss on held-out patches"

    def batches(self, random: np.random.Generator, _epoch: int) -> Iterator[Tensor]:
        """Yield the batches of an epoch."""
        for _ in range(self.steps):
            yield batch(self.regions, self._count, random, augment=self._augment)

    def validated(self, loss: Callable[[nn.Module, Tensor], float]) -> Callable[[nn.Module], float] | None:
        """Return the loss of a network on what is held out as a function; None without."""
        held = self.held
        if held is None:
            return None
        return lambda network: loss(network, held.to(next(network.parameters()).device))


def regions(job: TrainingJob, grid: BandGrid) -> list[Region]:
    """Return every scene of the job whole, ready to cut patches from: one pass over each."""
    found = []
    for scene, run in scene_runs(job):
        spectra = resampling(BandGrid.of(scene), grid, name=scene.path)
        spectra.warn_of_differences(job.warn, scene.path)
        known = statistics(run.reduce(ResampledSums(spectra)))
        rows, cols, _ = scene.shape
        found.append(Region(scene, Window(0, 0, cols, rows), spectra, known))
    return found


def hold_out(scenes: Sequence[Region], seed: int) -> tuple[list[Region], list[Region]]:
    """Return the regions to train on, and those held out: no pixel is in both.

    Of 16 scenes or more one in eight is held out; of fewer, the lowest 32 rows of each scene that has
    enough of them. Where none has, one of four scenes or more is; of fewer, nothing.
    """
    strips = [(region, region.window.height >= SIDE + STRIP) for region in scenes]
    tall = any(enough for _, enough in strips)
    if len(scenes) >= MANY_SCENES or (len(scenes) >= SOME_SCENES and not tall):
        return hold_out_scenes(scenes, max(1, len(scenes) // 8), seed)
    train, held = [], []
    for region, enough in strips:
        _, _, width, height = region.window
        if not enough:
            train.append(region)
            continue
        train.append(_part(region, Window(0, 0, width, height - STRIP)))
        held.append(_part(region, Window(0, height - STRIP, width, STRIP)))
    return train, held


def fixed_patches(held: Sequence[Region], most: int) -> Tensor | None:
    """Return up to ``most`` patches spread evenly over regions that do not move; None without regions."""
    if not held:
        return None
    side = STRIP if any(region.window.height == STRIP for region in held) else SIDE
    places = [
        (region, row, col)
        for region in held
        for row in range(0, max(1, region.window.height - side + 1), side)
        for col in range(0, max(1, region.window.width - side + 1), side)
    ]
    step = -(-len(places) // most)
    return torch.stack([region.patch(row, col, side)[0] for region, row, col in places[::step]])


def batch(
    chosen: Sequence[Region], count: int, random: np.random.Generator, *, augment: bool = True
) -> Tensor:
    """Return N x bands x 64 x 64: scenes by their area, places at random, turned and mirrored at random."""
    areas = np.array([region.area for region in chosen], np.float64)
    patches = []
    for index in random.choice(len(chosen), count, p=areas / areas.sum()):
        patch = chosen[index].draw(random)
        if augment:
            patch = torch.rot90(patch, int(random.integers(4)), (1, 2))
            patch = patch.flip(2) if random.integers(2) else patch
        patches.append(patch)
    return torch.stack(patches)


def _part(region: Region, window: Window) -> Region:
    return Region(region.scene, window, region.spectra, region.statistics)
