"""Running SSF in the ways that tests compare."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from had_cli.engine.executor import Executor
from had_cli.scenes.scene import Scene
from had_ssf import detector
from had_ssf.components import components
from had_ssf.moments import scene_moments


def maps_of(scene, seed=0, **options):
    """Return the three maps, rows x cols x 3."""
    with Executor(scene, **options) as run:
        moments, extrema = scene_moments(run)
        spectra = components(moments, extrema)
        derived = run.through(spectra, bands=len(spectra.variances))
        return np.array(detector.maps(derived, detector.fused_members(spectra.variances, seed)))


def scores_of(scene, *, wide=True, **options):
    """Return the score of every pixel."""
    with Executor(scene, **options) as run:
        return np.array(detector.detect(run, SimpleNamespace(wide=wide, save_parts=None)))


def textured(rows, cols, bands=24, seed=0):
    """Return a cube of patches with texture and noise, in which no two pixels are alike."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:rows, :cols]
    abundances = np.stack(
        [np.sin(x / 5), np.cos(y / 9), (x // 13 + y // 11) % 3, np.sin(x * y / 90)], axis=-1
    )
    cube = abundances @ rng.normal(size=(4, bands)) + 0.2 * rng.normal(size=(rows, cols, bands))
    cube[rows // 3, cols // 2] += 3 * rng.normal(size=bands)
    return cube.astype(np.float32)


def with_holes(cube):
    """Return a scene with stripes, a corner and single pixels of nodata, and its validity."""
    rows, cols, _ = cube.shape
    valid = np.ones((rows, cols), bool)
    valid[:, cols // 3] = False
    valid[rows // 2 : rows // 2 + 3] = False
    valid[: rows // 5, : cols // 4] = False
    valid[rows - 4, cols - 6] = False
    cube = cube.copy()
    cube[~valid] = -9999
    cube[rows - 4, cols - 6] = 1
    cube[rows - 4, cols - 6, 2] = np.nan
    return Scene.from_array(cube, nodata=-9999.0), valid
