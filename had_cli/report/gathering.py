"""One pass over a scene for everything that the page shows of its pixels.

Strips of rows are read, used and forgotten, so a flight line larger than memory costs one reading.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.report.sizes import Sizes
from had_cli.results.picture import composite_bands
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window
from had_cli.scenes.validity import valid_pixels

Float = npt.NDArray[np.float64]
Map = npt.NDArray[np.floating[Any]]

STRIP_BYTES = 32 << 20
SAMPLE = 20_000
"""Background pixels from which the 5th and 95th percentiles are taken."""


@dataclass(frozen=True, kw_only=True)
class Background:
    """The spectra of the background, each (bands,).

    Attributes
    ----------
    pixels : how many pixels mean and standard deviation stand on; sampled: how many the percentiles do
    mean, deviation : NaN where there are too few pixels
    low, high : 5th and 95th percentile
    """

    pixels: int
    sampled: int
    mean: Float
    deviation: Float
    low: Float
    high: Float


@dataclass(frozen=True, kw_only=True)
class Gathered:
    """What one pass has found.

    Attributes
    ----------
    composite : rows x cols x 4 uint8 of the map's cells; transparent where no pixel is valid
    peaks : index row * cols + col of the pixel whose spectrum stands for each spectrum cell, row by
        row; -1 where no pixel has a score
    spectra : cells x bands float32, NaN where there is none
    """

    composite: npt.NDArray[np.uint8]
    peaks: npt.NDArray[np.int64]
    spectra: npt.NDArray[np.float32]
    background: Background


def gather(
    scene: Scene,
    scores: Map,
    threshold: float,
    sizes: Sizes,
    *,
    progress: Callable[[str, float], None] = lambda _label, _fraction: None,
) -> Gathered:
    """Read ``scene`` once.

    Parameters
    ----------
    scores
        rows x cols, NaN where invalid.
    threshold
        Pixels below it are the background.
    """
    rows, cols, bands = scene.shape
    colours = _Colours(scene, sizes)
    statistics = _Statistics(bands, rows * cols)
    peaks = peak_pixels(scores, sizes.spectrum_step)
    spectra = np.full((len(peaks), bands), np.nan, dtype=np.float32)
    height = max(1, STRIP_BYTES // (cols * bands * 4))
    if scene.info.block and height > scene.info.block[0]:
        height -= height % scene.info.block[0]  # no block of the file is read twice
    for row in range(0, rows, height):
        window = Window(0, row, cols, min(height, rows - row))
        cube = scene.read(window)
        valid = valid_pixels(cube)
        colours.add(row, cube, valid)
        with np.errstate(invalid="ignore"):
            statistics.add(cube[valid & (scores[window.rows] < threshold)])
        here = np.flatnonzero((peaks >= row * cols) & (peaks < (row + window.height) * cols))
        spectra[here] = cube.reshape(-1, bands)[peaks[here] - row * cols]
        progress("spectra", (row + window.height) / rows)
    return Gathered(
        composite=colours.picture(), peaks=peaks, spectra=spectra, background=statistics.background()
    )


def peak_pixels(scores: Map, step: int) -> npt.NDArray[np.int64]:
    """Return the index of the highest score of each ``step`` x ``step`` pixels, -1 where there is none."""
    rows, cols = scores.shape
    places = np.arange(rows * cols, dtype=np.int64).reshape(rows, cols)
    if step == 1:
        return np.where(np.isnan(scores), -1, places).ravel()
    wide = ((0, -rows % step), (0, -cols % step))

    def cells(array: npt.NDArray[Any], empty: Any) -> npt.NDArray[Any]:
        padded = np.pad(array, wide, constant_values=empty)
        down, across = padded.shape[0] // step, padded.shape[1] // step
        return padded.reshape(down, step, across, step).swapaxes(1, 2).reshape(down * across, step * step)

    values, index = cells(scores, np.nan), cells(places, -1)
    empty = np.isnan(values).all(axis=1)
    best = np.where(np.isnan(values), -np.inf, values).argmax(axis=1)
    # where all valid scores are -inf, the first of them and not a pixel without a score
    lowest = np.isneginf(values).any(axis=1) & ~(values > -np.inf).any(axis=1)
    best[lowest] = np.isneginf(values[lowest]).argmax(axis=1)
    return np.where(empty, -1, index[np.arange(len(best)), best])


class _Colours:
    """The mean colour of each cell of the map, stretched as the quick look is."""

    def __init__(self, scene: Scene, sizes: Sizes) -> None:
        self.step = sizes.map_step
        self.bands = list(composite_bands(scene))
        self.sums = np.zeros((*sizes.grid(self.step), 3))
        self.counts = np.zeros(sizes.grid(self.step), dtype=np.int64)
        self.starts = np.arange(0, sizes.cols, self.step)

    def add(self, row: int, cube: npt.NDArray[np.float32], valid: npt.NDArray[np.bool_]) -> None:
        colours = np.where(valid[..., None], cube[..., self.bands], 0).astype(np.float64)
        cells = np.arange(row, row + len(cube)) // self.step
        np.add.at(self.sums, cells, np.add.reduceat(colours, self.starts, axis=1))
        np.add.at(self.counts, cells, np.add.reduceat(valid.astype(np.int64), self.starts, axis=1))

    def picture(self) -> npt.NDArray[np.uint8]:
        """Return the cells, each colour stretched between its 2nd and 98th percentile."""
        there = self.counts > 0
        picture = np.zeros((*there.shape, 4), dtype=np.uint8)
        if there.any():
            means = self.sums[there] / self.counts[there, None]
            low, high = np.percentile(means, [2, 98], axis=0)
            stretched = (means - low) / np.where(high > low, high - low, 1)
            picture[there, :3] = np.rint(255 * np.clip(stretched, 0, 1))
            picture[there, 3] = 255
        return picture


class _Statistics:
    """Mean, deviation and percentiles of pixels that come in strips."""

    def __init__(self, bands: int, pixels: int) -> None:
        self.count, self.mean, self.squares = 0, np.zeros(bands), np.zeros(bands)
        self.share = min(1.0, SAMPLE / pixels)
        self.random = np.random.default_rng(0)  # the same scene gives the same page
        self.sample = [np.empty((0, bands), dtype=np.float32)]

    def add(self, pixels: npt.NDArray[np.float32]) -> None:
        """Take in n x bands pixels (Chan, Golub & LeVeque, 1983, eq. 2.1)."""
        chosen = pixels if self.share == 1 else pixels[self.random.random(len(pixels)) < self.share]
        self.sample.append(chosen)
        if not len(pixels):
            return
        count = self.count + len(pixels)
        mean = pixels.mean(axis=0, dtype=np.float64)
        squares = np.square(pixels - mean).sum(axis=0)
        step = mean - self.mean
        self.squares += squares + step**2 * (self.count * len(pixels) / count)
        self.mean += step * (len(pixels) / count)
        self.count = count

    def background(self) -> Background:
        sample = np.concatenate(self.sample)
        empty = np.full(self.mean.shape, np.nan)
        low, high = np.percentile(sample, [5, 95], axis=0) if len(sample) else (empty, empty)
        return Background(
            pixels=self.count,
            sampled=len(sample),
            mean=self.mean if self.count else empty,
            deviation=np.sqrt(self.squares / (self.count - 1)) if self.count > 1 else empty,
            low=low,
            high=high,
        )
