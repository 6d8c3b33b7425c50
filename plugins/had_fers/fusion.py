"""Both features as one score: by their sum, or by the product of two maps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Run, SceneError, scene_moments
from had_ferd.enhancement import Enhance
from had_ferd.fen import PAD
from had_fers.features import Fused, SpatialFeature
from had_grx.detector import Distance
from had_grx.whitening import Whitening

Scores = npt.NDArray[np.float32]

PRODUCT_UP_TO = 50  # bands, as published


def fused(run: Run, enhance: Enhance, spatial: SpatialFeature) -> Run:
    """Return a run over x + f_spe + f_spa."""
    return _through(run, Fused(enhance, spatial), enhance.fen.bands)


def product(run: Run, enhance: Enhance, spatial: SpatialFeature) -> Scores:
    """Return scale01(G(x + f_spa)) scale01(G(x + f_spe)), rows x cols in [0, 1]."""
    bands = enhance.fen.bands
    ranks = {}
    maps = {}
    for name, function in (("spatial", Fused(enhance, spatial, spectral=False)), ("spectral", enhance)):
        maps[name], ranks[name] = truncated_grx(_through(run, function, bands))
    run.record(rank_spatial=ranks["spatial"], rank_spectral=ranks["spectral"])
    first, second = (scale01(maps[name]) for name in ("spatial", "spectral"))
    first *= second
    return first


def truncated_grx(run: Run) -> tuple[Scores, int]:
    """Return the score of GRX in the directions that single precision resolves, and their number.

    The released system inverts the covariance in single precision, where the pseudo-inverse leaves
    out singular values below bands * 1.19e-7 times the largest. The cut-off is what matters; it is
    applied here in double precision.
    """
    moments, _ = scene_moments(run, background=True)
    if moments.count < 2:
        raise SceneError(f"{run.scene.path}: a single valid pixel has no covariance; fers needs at least two")
    values, vectors = np.linalg.eigh(moments.covariance)
    kept = values > max(values[-1], 0.0) * len(values) * np.finfo(np.float32).eps
    rank = int(np.count_nonzero(kept))
    white = Whitening(moments.mean, vectors[:, kept] / np.sqrt(values[kept]), rank, triangular=False)
    return run.map(Distance(white, "float64")), rank


def scale01(scores: Scores) -> Scores:
    """Scale the valid scores of a map to [0, 1] in place, and return it; equal ones become 0."""
    low, high = np.fmin.reduce(scores, axis=None), np.fmax.reduce(scores, axis=None)
    scores -= low
    if high > low:
        scores /= high - low
    return scores


def _through(run: Run, function: Fused | Enhance, bands: int) -> Run:
    return run.through(function, bands=bands, halo=PAD, cost=function.cost, label="features")
