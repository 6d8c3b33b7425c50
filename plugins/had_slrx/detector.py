"""The detector: three maps of distances, scaled to [0, 1] and multiplied."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import (
    Extrema,
    GlobalExtrema,
    Moments,
    Run,
    SceneError,
    is_small,
    reading_error,
    scene_moments,
    warn_of_reading_error,
)
from had_slrx.distances import LocalDistances, inverse_root
from had_slrx.triangles import RIDGE, Scene

TOLERANCE = 2e-6  # relative error of the distance from the scene that single precision may add


def detect(run: Run, params: Any) -> npt.NDArray[np.float32]:
    """Return the score of every pixel, rows x cols; ``params`` are those of :func:`score`."""
    return score(run, block_size=params.block_size)


def score(run: Run, *, block_size: int | None = None) -> npt.NDArray[np.float32]:
    """Return the SLRX score, rows x cols in [0, 1] (Jin, Dang & Zhu 2024, sec. II).

    The cube is scaled to [0, 1] by its global extrema. Each pixel of a block has a distance from the
    block, from the up to eight blocks around it, and from the whole scene; each of the three maps is
    scaled to [0, 1] by its own extrema, and the score is their product.
    """
    rows, cols, bands = run.scene.shape
    size = block_size or max(2, bands // 25)
    run.record(block_size=size)
    size = max(2, min(size, max(rows, cols)))  # a larger block is the whole scene as well
    moments, (extrema,) = scene_moments(run, GlobalExtrema())
    if moments.count < 2:
        raise SceneError(f"{run.scene.path}: a single valid pixel has no covariance; SLRX needs at least two")
    if extrema.low == extrema.high:
        run.warn("every valid value of the scene is the same: all scores are 0")
    elif moments.count <= bands:
        run.warn(
            f"{moments.count} valid pixels for {bands} bands: the covariances are poorly known and scores "
            "say little; choose fewer bands or more of the scene"
        )
    span = (extrema.high - extrema.low) or 1.0
    warn_of_reading_error(run, float(reading_error(run, moments.mean).max() / span / np.sqrt(RIDGE)))
    function = LocalDistances(size, extrema, scene_statistics(moments, extrema, small=is_small(run.scene)))
    # some six rows of blocks in double precision, with packed products of bands, shared by some 200 rows
    cost = 8 * (3 * bands * bands // size + 6 * size * bands) // 200
    layers = run.map(function, layers=3, halo=size, align=size, cost=cost, label="distances")
    scores = product_of_scaled(layers)
    if extrema.low < extrema.high and not any((row > 0).any() for row in scores):
        run.warn("all scores are 0: one of the three distances is the same for every pixel")
    return scores


def scene_statistics(moments: Moments, extrema: Extrema, *, small: bool = True) -> Scene:
    """Return the scene's mean and inverse root of (covariance + ridge) in scaled units.

    Scenes that are not ``small`` take single precision for the distance from the scene where that loses less
    than :data:`TOLERANCE`.
    """
    scale = (extrema.high - extrema.low) or 1.0
    covariance = moments.covariance / scale**2
    bands = len(covariance)
    root = inverse_root(covariance + RIDGE * np.eye(bands))
    # a product of rounded terms errs by 2^-24 |x| |w| per component; the squared distance is a sum over bands
    error = 2.0**-23 * np.sqrt(np.trace(covariance) / bands * np.sum(root**2)) / bands
    single = not small and error <= TOLERANCE
    return Scene((moments.mean - extrema.low) / scale, root, "float32" if single else "float64")


def product_of_scaled(layers: npt.NDArray[np.float32], rows_at_once: int = 256) -> npt.NDArray[np.float32]:
    """Return the product over layers, each scaled to [0, 1]; a constant layer scales to 0.

    ``layers`` is rows x cols x 3, NaN at invalid pixels, and may lie on disk: it is overwritten in
    its first layer, which is returned.
    """
    pieces = [slice(r, r + rows_at_once) for r in range(0, layers.shape[0], rows_at_once)]
    low = np.fmin.reduce([_extreme(np.fmin, layers[p]) for p in pieces])
    high = np.fmax.reduce([_extreme(np.fmax, layers[p]) for p in pieces])
    span = np.where(high > low, high - low, np.inf)
    for piece in pieces:
        layers[piece, :, 0] = np.prod((layers[piece] - low) / span, axis=-1)
    return layers[..., 0]


def _extreme(function: np.ufunc, layers: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the extreme of each layer over pixels, NaN where a piece holds none."""
    return np.asarray(function.reduce(layers.reshape(-1, layers.shape[-1]), axis=0))
