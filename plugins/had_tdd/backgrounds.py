"""The scenes to train on: patches of them, read when they are needed, and what they are normalised by."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from had_cli.plugin import (
    BandGrid,
    Resampling,
    Scene,
    TrainingJob,
    Window,
    resampling,
    scene_runs,
    valid_pixels,
)
from had_tdd.normalising import Normalisation, Normaliser, Statistics, of_scaled, scaling

Float = npt.NDArray[np.float32]
SPECTRA = 4096  # kept of each scene, to draw materials from
DRAWS = 8  # tries to find a patch that is not mostly nodata
CONTRAST = Normalisation("whiten", 24)  # in which the strength of an anomaly is measured


@dataclass(frozen=True, eq=False)
class Background:
    """A scene on the network's bands, each divided by its maximum over the scene.

    Attributes
    ----------
    scene : the scene itself
    spectra : from its bands to the network's
    scale : (bands,) what the resampled bands are divided by
    mean : (bands,) of the scaled spectra; shown in the place of invalid pixels
    normaliser : from scaled spectra to what the network sees
    contrast : from scaled spectra to whitened components
    library : n x bands scaled spectra from all over the scene
    spared : distance from the mean, in whitened components, beyond which a pixel is not taught as background
    """

    scene: Scene
    spectra: Resampling
    scale: Float
    mean: Float
    normaliser: Normaliser
    contrast: Normaliser
    library: Float
    spared: float = np.inf

    @property
    def area(self) -> int:
        """Its pixels."""
        return self.scene.shape[0] * self.scene.shape[1]

    def unsure(self, patch: Float) -> npt.NDArray[np.bool_]:
        """Return which pixels of a patch may be anomalies of the scene itself."""
        lengths = np.linalg.norm((patch - self.contrast.offset) @ self.contrast.matrix, axis=-1)
        return np.asarray(lengths > self.spared)

    def patch(self, row: int, col: int, side: int) -> tuple[Float, float]:
        """Return side x side x bands of scaled spectra, and the part that is valid.

        A scene smaller than the patch is mirrored.
        """
        rows, cols, _ = self.scene.shape
        height, width = min(side, rows), min(side, cols)
        cube = self.scene.read(Window(col, row, width, height))
        valid = valid_pixels(cube)
        scaled = self.spectra(np.where(valid[..., None], cube, np.float32(0))) / self.scale
        scaled = np.where(valid[..., None], scaled, self.mean)
        missing = ((0, side - height), (0, side - width), (0, 0))
        return np.pad(scaled, missing, mode="reflect" if min(height, width) > 1 else "edge"), valid.mean()

    def draw(self, random: np.random.Generator, side: int) -> Float:
        """Return a patch from anywhere that is not mostly invalid, as far as one is found."""
        best, most = np.empty(0, np.float32), -1.0
        for _ in range(DRAWS):
            row, col = (int(random.integers(max(1, n - side + 1))) for n in self.scene.shape[:2])
            patch, valid = self.patch(row, col, side)
            if valid > most:
                best, most = patch, valid
            if valid >= 0.5:
                break
        return best

    def places(self, side: int, stride: int) -> list[tuple[int, int]]:
        """Return row and column of the published patches: every ``stride``, shifted inside at the edges."""
        down, across = (
            dict.fromkeys(min(start, max(0, n - side)) for start in range(0, n, stride))
            for n in self.scene.shape[:2]
        )
        return [(row, col) for row in down for col in across]

    def fingerprint(self) -> list[float]:
        """Return numbers that tell this scene from others."""
        return [*map(float, self.scene.shape), float(self.scale.sum()), float(self.mean.sum())]


def backgrounds(
    job: TrainingJob, grid: BandGrid, normalisation: Normalisation, spare: float = 0
) -> list[Background]:
    """Return every scene of the job, ready to cut patches from: one pass over each.

    ``spare`` per cent of the pixels, those farthest from the background, are not taught as background.
    """
    found = []
    for scene, run in scene_runs(job):
        spectra = resampling(BandGrid.of(scene), grid, name=scene.path)
        spectra.warn_of_differences(job.warn, scene.path)
        known = run.reduce(Statistics(spectra))
        sample = run.sample(SPECTRA)
        scale = scaling(known).astype(np.float32)
        mean = known.moments.mean.astype(np.float32)[None]
        library = spectra(sample if len(sample) else mean) / scale
        background = Background(
            scene,
            spectra,
            scale,
            spectra(mean)[0] / scale,
            of_scaled(normalisation, spectra, known),
            of_scaled(CONTRAST, spectra, known),
            library,
        )
        if spare:
            lengths = np.linalg.norm(
                (library - background.contrast.offset) @ background.contrast.matrix, axis=1
            )
            background = replace(background, spared=float(np.percentile(lengths, 100 - spare)))
        found.append(background)
    return found


def hold_out(whole: list[Background], count: int, seed: int) -> tuple[list[Background], list[Background]]:
    """Return the scenes to train on and ``count`` held out of training, drawn by the seed."""
    order = np.random.default_rng([seed, 1]).permutation(len(whole))
    count = min(count, len(whole) - 1)
    return [whole[i] for i in sorted(order[count:])], [whole[i] for i in sorted(order[:count])]
