"""The detector: spectral and spatial features are added to the cube, which is scored."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Run, UsageError
from had_ferd.detector import enhancement
from had_ferd.scoring import scoring_of
from had_fers.autoencoder import score as autoencoder
from had_fers.features import SpatialFeature
from had_fers.fusion import PRODUCT_UP_TO, fused, product
from had_fers.summaries import summaries
from had_fers.tiles import WHOLE
from had_fers.weights import from_weights
from had_grx.detector import score as grx
from had_slrx.detector import score as slrx


def detect(run: Run, params: Any) -> npt.NDArray[np.float32]:
    """Return the score, rows x cols (Jin, Tang, Li & Guo, arXiv 2510.18781).

    ``params`` holds ``scoring`` (``auto``, ``grx``, ``slrx`` or ``ae``; :func:`had_ferd.scoring.scoring_of`),
    ``fusion`` (``auto``, ``sum`` or ``product``), ``block_size`` for slrx, ``tile_size`` and ``precision``.
    """
    scoring = scoring_of(run, params)
    if scoring != "grx" and params.fusion == "product":
        raise UsageError(
            f"--scoring {scoring} scores the sum of the features; leave --fusion product out, or name "
            "--scoring grx"
        )
    fen, network, grid = from_weights(run.weights)
    enhance = enhancement(run, fen, grid, precision=params.precision)
    found = summaries(run, network, enhance, params.tile_size)
    if max(run.scene.shape[:2]) > WHOLE:
        run.record(tile_size=params.tile_size)
    spatial = SpatialFeature(network.spp, found)
    few = scoring == "grx" and grid.bands <= PRODUCT_UP_TO
    fusion = params.fusion if params.fusion != "auto" else "product" if few else "sum"
    run.record(fusion=fusion)
    if fusion == "product":
        return product(run, enhance, spatial)
    features = fused(run, enhance, spatial)
    if scoring == "slrx":
        return slrx(features, block_size=params.block_size)
    return autoencoder(features) if scoring == "ae" else grx(features)
