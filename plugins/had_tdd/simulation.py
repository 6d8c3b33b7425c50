"""Anomalies put into patches of background: the published way, and a mixture of ways."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter1d

from had_tdd.backgrounds import Background
from had_tdd.shapes import blob, rectangle, structure

Array = npt.NDArray[np.float32]
SHUFFLE, GAUSSIAN, UNIFORM, MIXED = "shuffle", "gaussian", "uniform", "mixed"
KINDS = (MIXED, SHUFFLE, GAUSSIAN, UNIFORM)

MOST = 3  # anomalies in a patch
STRUCTURES = 0.5  # broad or long structures in a patch, the mean number
LABELLED = 0.4  # a pixel is an anomaly that is covered to this part


def published(
    random: np.random.Generator, patch: Array, kind: str, least: int, most: int
) -> tuple[Array, Array]:
    """Return a patch and its mask, with one rectangle of changed spectra (Li et al. 2024).

    Parameters
    ----------
    patch : side x side x bands
    kind : ``shuffle`` permutes the bands, ``gaussian`` and ``uniform`` add noise and divide each band by
        its maximum
    least, most : height and width of the rectangle, in pixels
    """
    mask = rectangle(random, len(patch), least, most)
    if kind == SHUFFLE:
        changed = patch[..., random.permutation(patch.shape[-1])]
    else:
        noise = random.standard_normal if kind == GAUSSIAN else random.random
        changed = patch + noise(patch.shape, np.float32)
        greatest = changed.max(axis=(0, 1))
        changed /= np.where(greatest == 0, np.float32(1), greatest)
    return np.where(mask[..., None] > 0, changed, patch), mask


@dataclass(frozen=True)
class Mixture:
    """Anomalies of many kinds, shapes, sizes and strengths; and structures that are none.

    What is put in is a material of the same scene from elsewhere or of another scene, the patch with its
    bands permuted, or with its spectra bent by a smooth curve. It is mixed with what it covers to a drawn
    distance from it, in standard deviations of the scene's background: so faint ones are as many as
    strong ones, however bright the scene. Lines and broad areas of such materials are put in as well, and
    not marked: what sets an anomaly apart is that it is small.

    Attributes
    ----------
    scenes : to draw materials from
    sizes : least and greatest size of an anomaly, in pixels
    strengths : least and greatest distance of an anomaly from what it covers, in standard deviations
    """

    scenes: Sequence[Background]
    sizes: tuple[int, int]
    strengths: tuple[float, float]

    def __call__(self, random: np.random.Generator, scene: Background, patch: Array) -> tuple[Array, Array]:
        """Return a patch and its mask of 0 and 1."""
        side = len(patch)
        result, mask = patch.copy(), np.zeros((side, side), np.float32)
        for _ in range(random.poisson(STRUCTURES)):
            self._put(random, scene, patch, result, structure(random, side))
        for _ in range(random.integers(1, MOST + 1)):
            cover = blob(random, side, self.sizes[0], min(self.sizes[1], side / 2))
            self._put(random, scene, patch, result, cover)
            mask[cover >= LABELLED] = 1
        return result, mask

    def _put(
        self, random: np.random.Generator, scene: Background, patch: Array, result: Array, cover: Array
    ) -> None:
        """Mix a material into ``result`` where ``cover`` says; ``patch`` is without any."""
        rows, cols = np.nonzero(cover)
        if not len(rows):
            return
        change = self._material(random, scene, patch[rows, cols]) - patch[rows, cols]
        lengths = np.linalg.norm(change @ scene.contrast.matrix, axis=1)
        length = float(np.median(lengths[cover[rows, cols] >= LABELLED]))
        wanted = float(np.exp(random.uniform(*np.log(self.strengths))))
        share = min(1.0, wanted / length) if length > 0 else 1.0
        result[rows, cols] += share * cover[rows, cols, None] * change

    def _material(self, random: np.random.Generator, scene: Background, pixels: Array) -> Array:
        """Return n x bands spectra to put in the place of ``pixels``."""
        kind = random.integers(4)
        bands = pixels.shape[-1]
        if kind == 0:
            return np.asarray(pixels[:, random.permutation(bands)])
        if kind == 1:
            curve = gaussian_filter1d(random.standard_normal(bands), random.uniform(0.025, 0.2) * bands)
            curve *= random.uniform(0.05, 0.5) / max(float(curve.std()), 1e-9)
            return np.asarray(pixels * np.exp(curve).astype(np.float32))
        origin = scene if kind == 2 else self.scenes[int(random.integers(len(self.scenes)))]
        spectrum = origin.library[random.integers(len(origin.library))]
        if kind == 3 and random.random() < 0.5:
            spectrum = spectrum[::-1]
        return np.broadcast_to(spectrum * np.float32(random.uniform(0.6, 1.4)), pixels.shape)
