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
    draw_patch,
    read_patch,
    resampling,
    scene_runs,
)
from had_tdd.normalising import Normalisation, Normaliser, Statistics, of_scaled, scaling

Float = npt.NDArray[np.float32]
SPECTRA = 4096  # kept of each scene, to draw materials from
CONTRAST = Normalisation("whiten", 24)  # in which the strength of an anomaly is measured


@dataclass(frozen=True, eq=False)
class Background:
    """A scene on the network's bands, each divided by its maximum over the scene.

    Attributes
    ----------
    scene : the scene itself
    spectra : from its bands to the network's
    scale : (bands,) what the resampled bands are divided by
    mean : (bands,) of the resampled spectra; shown in the place of invalid pixels
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
        place = Window(col, row, min(side, cols), min(side, rows))
        spectra, valid = read_patch(self.scene, place, self.spectra, self.mean, side)
        return spectra / self.scale, valid

    def draw(self, random: np.random.Generator, side: int) -> Float:
        """Return a patch from anywhere that is not mostly invalid, as far as one is found."""
        rows, cols, _ = self.scene.shape
        return draw_patch(random, rows, cols, side, lambda row, col: self.patch(row, col, side))

    def places(self, side: int, stride: int) -> list[tuple[int, int]]:
        """Return row and column of the published patches: every ``stride``, shifted inside at the edges."""
        down, across = (
            dict.fromkeys(min(start, max(0, n - side)) for start in range(0, n, stride))
            for n in self.scene.shape[:2]
        )
        return [(row, col) for row in down for col in across]


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
            spectra(mean)[0],
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
