"""Backgrounds to train on, made from real scenes: crops of them as other sensors might have seen them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import zoom

from had_cli.errors import UsageError
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.scenes.source import Window

Float = npt.NDArray[np.float32]
DRAWS = 8  # crops looked at before one with less than half of its pixels valid is taken
NARROWEST = 0.25  # of a band of a grid, in bands of the scene: less would fall between two of them
PIECE = 24  # side of what is read for some spectra of a scene


@dataclass(frozen=True, kw_only=True)
class Variety:
    """How far a background may be from the scene it is made of. Pairs are least and greatest.

    Attributes
    ----------
    side : of the crop, in pixels of the background
    bands : of the random band grid, never more than the scene has
    covered : part of the scene's bands, side by side, that the grid lies in
    response : width of a band of the grid, standard deviation in steps of the grid
    coarser : probability of binning by 2 x 2, where the scene has the pixels
    finer : greatest factor of enlarging; a crop that is smaller than the least side is enlarged as well
    joined : probability that two crops of two scenes meet along a line
    noise : greatest white noise, as a part of the standard deviation of a band
    brightness : greatest logarithm of a gain of the whole
    slope : greatest relative change of brightness from the middle to an edge
    """

    side: tuple[int, int] = (64, 100)
    bands: tuple[int, int] = (30, 200)
    covered: tuple[float, float] = (0.5, 1.0)
    response: tuple[float, float] = (0.3, 1.0)
    coarser: float = 0.15
    finer: float = 1.6
    joined: float = 0.1
    noise: float = 0.1
    brightness: float = 0.4
    slope: float = 0.2


class Backgrounds:
    """Draws backgrounds; all that is random comes from the generator that a draw is given.

    Scenes are read by windows, when they are drawn from. Their truths are never looked at.

    Parameters
    ----------
    scenes
        One or more, with any bands and of any size.
    variety
        What is done to them.
    """

    def __init__(self, scenes: Sequence[Scene], variety: Variety | None = None) -> None:
        if not scenes:
            raise UsageError("backgrounds need at least one scene")
        self.scenes, self.variety = list(scenes), variety or Variety()
        areas = np.array([scene.shape[0] * scene.shape[1] for scene in scenes], np.float64)
        self._shares = np.cumsum(np.minimum(areas, self.variety.side[1] ** 2))

    def draw(self, random: np.random.Generator) -> Float:
        """Return rows x cols x bands, every value finite, of mean 1 before its brightness is varied."""
        known = self.variety
        side = int(random.integers(known.side[0], known.side[1] + 1))
        first = self._any(random)
        most = min(known.bands[1], first.shape[2])
        bands = int(random.integers(min(known.bands[0], most), most + 1))
        cube = self._crop(random, first, side, bands)
        if random.random() < known.joined:
            cube = _joined(random, cube, self._crop(random, self._any(random), side, bands))
        return self._lit(random, cube)

    def spectra(self, random: np.random.Generator, count: int, bands: int) -> Float:
        """Return ``count`` x ``bands`` spectra of one place of a scene, of mean 1 over its surroundings.

        Several of them are of one material, or of a few that lie side by side.
        """
        cube = self._crop(random, self._any(random), PIECE, bands)
        row, col = random.integers(0, np.array(cube.shape[:2]) - 2)
        near = cube[row : row + 3, col : col + 3].reshape(-1, bands)
        return np.asarray(near[random.integers(len(near), size=count)])

    def _any(self, random: np.random.Generator) -> Scene:
        """Return a scene: large ones, up to that of a crop, as much more often as they are larger."""
        place = random.uniform(0, self._shares[-1])
        return self.scenes[min(int(np.searchsorted(self._shares, place, "right")), len(self.scenes) - 1)]

    def _crop(self, random: np.random.Generator, scene: Scene, side: int, bands: int) -> Float:
        """Return a turned crop on a random grid of bands: at most side x side, of mean 1."""
        known, (rows, cols, _) = self.variety, scene.shape
        coarse = min(rows, cols) >= 2 * known.side[0] and random.random() < known.coarser
        factor = 0.5 if coarse else float(np.exp(random.uniform(0, np.log(known.finer))))
        least = min(side, known.side[0])
        factor = max(factor, least / min(rows, cols))
        height, width = (min(n, max(2, round(side / factor))) for n in (rows, cols))
        cube = _read(random, scene, height, width) @ self._response(random, scene.shape[2], bands)
        if coarse:
            height, width = (n // 2 * 2 for n in cube.shape[:2])
            cube = cube[:height, :width].reshape(height // 2, 2, width // 2, 2, bands).mean(axis=(1, 3))
        elif factor > 1:
            cube = zoom(cube, (factor, factor, 1), order=1, grid_mode=True, mode="nearest")
        cube = np.rot90(cube, int(random.integers(4)))
        if random.random() < 0.5:
            cube = cube[::-1]
        return np.asarray(cube[:side, :side] / max(float(np.abs(cube).mean()), 1e-9), np.float32)

    def _response(self, random: np.random.Generator, have: int, want: int) -> Float:
        """Return have x want: Gaussian bands in a random part of those there are, columns of sum 1."""
        part = random.uniform(*self.variety.covered) * (have - 1)
        start = random.uniform(0, have - 1 - part)
        centres = start + np.linspace(0, part, want)
        step = max(part / max(want - 1, 1), 1e-9)
        width = max(random.uniform(*self.variety.response) * step, NARROWEST)
        weights = np.exp(-0.5 * ((np.arange(have)[:, None] - centres) / width) ** 2)
        return np.asarray(weights / weights.sum(axis=0), np.float32)

    def _lit(self, random: np.random.Generator, cube: Float) -> Float:
        """Return the cube brighter or darker, on a slope, and with noise."""
        known, (rows, cols, bands) = self.variety, cube.shape
        down, across = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, cols)
        towards = random.uniform(-known.slope, known.slope, 2) / 2
        gain = np.exp(random.uniform(-known.brightness, known.brightness))
        light = gain * (1 + towards[0] * down + towards[1] * across)
        level = random.uniform(0, known.noise) * cube.std(axis=(0, 1))
        noise = random.standard_normal((rows, cols, bands), np.float32) * level
        return np.asarray(cube * light[..., None] + noise, np.float32)


def _read(random: np.random.Generator, scene: Scene, height: int, width: int) -> Float:
    """Return a crop that is valid for the most part, if one is found; the rest shows the mean."""
    rows, cols, bands = scene.shape
    best: tuple[float, Float, npt.NDArray[np.bool_]] | None = None
    for _ in range(DRAWS):
        row, col = int(random.integers(rows - height + 1)), int(random.integers(cols - width + 1))
        cube = scene.read(Window(col, row, width, height))
        valid = valid_pixels(cube)
        share = float(valid.mean())
        if best is None or share > best[0]:
            best = share, cube, valid
        if share >= 0.5:
            break
    assert best is not None  # noqa: S101 - there is a first draw
    share, cube, valid = best
    if share == 1:
        return cube
    filled = cube.copy()
    filled[~valid] = cube[valid].mean(axis=0) if share else np.ones(bands, np.float32)
    return filled


def _joined(random: np.random.Generator, first: Float, second: Float) -> Float:
    """Return two crops side by side along a line through the middle part, as large as both allow."""
    rows, cols = (min(pair) for pair in zip(first.shape[:2], second.shape[:2], strict=True))
    angle = random.uniform(0, 2 * np.pi)
    down = np.arange(rows)[:, None] - random.uniform(0.3, 0.7) * rows
    across = np.arange(cols) - random.uniform(0.3, 0.7) * cols
    blend = np.clip(0.5 + (down * np.cos(angle) + across * np.sin(angle)) / 1.5, 0, 1)[..., None]
    return np.asarray(first[:rows, :cols] * (1 - blend) + second[:rows, :cols] * blend, np.float32)
