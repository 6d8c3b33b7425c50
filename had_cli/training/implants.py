"""Anomalies put into backgrounds, and things beside them that are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.ndimage import uniform_filter

from had_cli.training.backgrounds import Backgrounds, Float
from had_cli.training.outlines import OUTLINES, Cover, covered, roof

Truth = npt.NDArray[np.int8]
Place = tuple[slice, slice]
ANOMALY, BACKGROUND, UNSURE = 1, 0, -1
RING = 9  # side in pixels of the surroundings in which strength is measured
RIDGE = 1e-6  # a part of the total variance, added in each direction of the local background
COMPONENTS = 24  # leading directions of the local background; in all of 200, noise alone is 14 long
DRAWS = 20  # backgrounds tried
MARKED = 0.35  # a pixel is an anomaly that has this part of the thing's greatest share
TOUCHED = 0.05  # and not surely background from this part on


class Implanted(NamedTuple):
    """A background with anomalies.

    Attributes
    ----------
    cube : rows x cols x bands
    truth : rows x cols, 1 in anomalies, 0 in the background, -1 where neither is sure: at the rim of an
        anomaly, in its shadow, and where the background itself may hold an anomaly
    """

    cube: Float
    truth: Truth


@dataclass(frozen=True, kw_only=True)
class Implants:
    """Puts anomalies into backgrounds by linear mixing. Pairs are least and greatest.

    Attributes
    ----------
    backgrounds : what materials are taken from
    things : how many anomalies; they are of one to three materials
    most : percentage of the pixels; no further anomaly is put in once they are so many
    size : of an anomaly in pixels, small and large ones equally often on a logarithmic scale
    strength : length of the change in its middle, in standard deviations of the local background, drawn
        on a logarithmic scale; where the fraction that gives it is not possible, as near to it as there is,
        and what cannot be as strong as the least is not put in
    fraction : of the material in a pixel that is covered wholly
    blur : standard deviation of the sensor's point spread, in pixels
    shadow : probability that a thing has one
    distractors : mean number of roads and of rows of roofs, each
    spikes : mean number of single pixels with noise
    spare : percentage of the background's pixels, those farthest from their surroundings, that are not
        told to be background
    """

    backgrounds: Backgrounds
    things: tuple[int, int] = (1, 10)
    most: float = 1.5
    size: tuple[float, float] = (0.8, 7.0)
    strength: tuple[float, float] = (15.0, 150.0)
    fraction: tuple[float, float] = (0.05, 1.0)
    blur: tuple[float, float] = (0.3, 0.8)
    shadow: float = 0.3
    distractors: float = 0.4
    spikes: float = 1.0
    spare: float = 2.0

    def draw(self, random: np.random.Generator) -> Implanted:
        """Return a new background with anomalies in it: another one, where none of them was strong enough."""
        for _ in range(DRAWS):
            found = self.into(random, self.backgrounds.draw(random))
            if (found.truth == ANOMALY).any():
                break
        return found

    def into(self, random: np.random.Generator, background: Float) -> Implanted:
        """Return ``background``, rows x cols x bands and finite, with anomalies in it."""
        cube, blur = background.copy(), random.uniform(*self.blur)
        white = local_whitening(background)
        truth = np.zeros(cube.shape[:2], np.int8)
        for _ in range(random.poisson(self.distractors)):
            self._road(random, cube, blur)
        for _ in range(random.poisson(self.distractors)):
            self._roofs(random, cube, blur)
        self._spikes(random, cube)
        if self.spare:
            lengths = np.linalg.norm(differences(background) @ white, axis=-1)
            truth[lengths > np.percentile(lengths, 100 - self.spare)] = UNSURE
        count = int(random.integers(self.things[0], self.things[1] + 1))
        materials = [self._material(random, background) for _ in range(int(random.integers(1, 4)))]
        outlines = [OUTLINES[int(random.integers(len(OUTLINES)))] for _ in materials]
        sizes = np.exp(random.uniform(np.log(self.size[0]), np.log(self.size[1]), len(materials)))
        for number in range(count):
            if np.count_nonzero(truth == ANOMALY) >= truth.size * self.most / 100:
                break
            kind = number % len(materials)
            size = float(sizes[kind] * np.exp(random.uniform(-0.2, 0.2)))
            place, cover = _somewhere(random, cube.shape[:2], size, blur, outlines[kind](random, size))
            self._put(random, cube, truth, place, cover, materials[kind], white)
        return Implanted(cube, truth)

    def _put(
        self,
        random: np.random.Generator,
        cube: Float,
        truth: Truth,
        place: Place,
        cover: Cover,
        material: Float,
        white: npt.NDArray[np.float64],
    ) -> None:
        """Mix a material into a cube to a drawn strength, mark it, and let it throw its shadow."""
        part, greatest = cube[place], float(cover.max())
        if greatest < TOUCHED:
            return  # less of a pixel than anything could see
        middle = part[np.unravel_index(int(cover.argmax()), cover.shape)]
        length = float(np.linalg.norm((material - middle) @ white)) * greatest
        wanted = float(np.exp(random.uniform(*np.log(self.strength))))
        fraction = float(np.clip(wanted / max(length, 1e-9), *self.fraction))
        if fraction * length < self.strength[0]:
            return
        if random.random() < self.shadow:
            steps = tuple(int(s) for s in random.choice([-2, -1, 1, 2], 2))
            shade = np.roll(cover, steps, axis=(0, 1)) * np.float32(random.uniform(0.2, 0.7))
            part *= (1 - shade * fraction)[..., None]
            truth[place][(shade > TOUCHED) & (truth[place] == BACKGROUND)] = UNSURE
        part += (fraction * cover)[..., None] * (material - part)
        marks = truth[place]
        marks[(cover >= TOUCHED * greatest) & (marks != ANOMALY)] = UNSURE
        marks[cover >= MARKED * greatest] = ANOMALY

    def _material(self, random: np.random.Generator, background: Float) -> Float:
        """Return a spectrum of elsewhere, or of another place of the background itself."""
        bands = background.shape[-1]
        if random.random() < 0.25:
            row, col = (int(random.integers(n)) for n in background.shape[:2])
            spectrum = background[row, col]
        else:
            spectrum = self.backgrounds.spectra(random, 1, bands)[0] * background.mean()
        return np.asarray(spectrum * np.float32(np.exp(random.uniform(-0.5, 0.5))))

    def _road(self, random: np.random.Generator, cube: Float, blur: float) -> None:
        """Lay a road across, of one material."""
        rows, cols, _ = cube.shape
        length, width = 2.0 * (rows + cols), random.uniform(0.7, 3)
        centre = (float(random.uniform(0, rows - 1)), float(random.uniform(0, cols - 1)))
        place, cover = covered(
            (rows, cols),
            centre,
            random.uniform(0, np.pi),
            length,
            lambda _along, across: np.abs(across) <= width / 2,
            blur,
        )
        cube[place] += cover[..., None] * (self._material(random, cube) - cube[place])

    def _roofs(self, random: np.random.Generator, cube: Float, blur: float) -> None:
        """Build rows of bright roofs of one material, with streets between them."""
        rows, cols, _ = cube.shape
        material = self._material(random, cube) * np.float32(random.uniform(1, 1.6))
        size, gap = float(random.uniform(4, 7)), float(random.uniform(1.5, 3))
        down, across = int(random.integers(2, 5)), int(random.integers(3, 7))
        start = random.uniform(0, [max(1, rows - down * (size + gap)), max(1, cols - across * (size + gap))])
        for i in range(down):
            for j in range(across):
                centre = start + size / 2 + (size + gap) * np.array([i, j])
                if (centre > (rows - 1, cols - 1)).any():
                    continue
                row, col = map(float, centre)
                place, cover = covered((rows, cols), (row, col), 0.0, size, roof(random, size), blur)
                cube[place] += cover[..., None] * (material - cube[place])

    def _spikes(self, random: np.random.Generator, cube: Float) -> None:
        """Add noise to single pixels, as a detector or a bit error does."""
        deviation = cube.std(axis=(0, 1))
        for _ in range(random.poisson(self.spikes)):
            row, col = (int(random.integers(n)) for n in cube.shape[:2])
            cube[row, col] += deviation * random.normal(0, random.uniform(0.1, 0.5), len(deviation))


def differences(cube: Float) -> Float:
    """Return what each pixel differs by from the mean of the 9 x 9 pixels around it."""
    return np.asarray(cube - uniform_filter(cube, (RING, RING, 1), mode="reflect"))


def local_whitening(cube: Float) -> npt.NDArray[np.float64]:
    """Return (bands, COMPONENTS or fewer): what takes differences from the surroundings to unit variance."""
    pixels = differences(cube).reshape(-1, cube.shape[-1]).astype(np.float64)
    values, vectors = np.linalg.eigh(pixels.T @ pixels / len(pixels))
    values = np.maximum(values, 0) + RIDGE * max(float(values.sum()), 1e-12)
    return np.asarray((vectors / np.sqrt(values))[:, -COMPONENTS:])


def _somewhere(
    random: np.random.Generator, shape: tuple[int, int], size: float, blur: float, inside: object
) -> tuple[Place, Cover]:
    centre = tuple(float(random.uniform(1, max(1.5, n - 2))) for n in shape)
    return covered(shape, centre, random.uniform(0, 2 * np.pi), size, inside, blur)  # type: ignore[arg-type]
