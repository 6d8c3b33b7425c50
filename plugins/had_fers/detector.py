"""The detector: spectral and spatial features are added to the cube, GRX or an autoencoder scores it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Run, UsageError
from had_ferd.detector import enhancement
from had_fers.autoencoder import score as autoencoder
from had_fers.features import SpatialFeature
from had_fers.fusion import PRODUCT_UP_TO, fused, product
from had_fers.summaries import summaries
from had_fers.tiles import WHOLE
from had_fers.weights import from_weights
from had_grx.detector import score as grx


def detect(run: Run, params: Any) -> npt.NDArray[np.float32]:
    """Return the score, rows x cols (Jin, Tang, Li & Guo, arXiv 2510.18781).

    ``params`` holds ``scoring`` (``grx`` or ``ae``), ``fusion`` (``auto``, ``sum`` or ``product``),
    ``tile_size`` and ``precision``.
    """
    if params.scoring == "ae" and params.fusion == "product":
        raise UsageError("--scoring ae scores the sum of the features; leave --fusion product out")
    if params.scoring == "ae" and run.scene.background is not None:
        raise UsageError("--background: --scoring ae takes no statistics from chosen pixels; leave it out")
    fen, network, grid = from_weights(run.weights)
    enhance = enhancement(run, fen, grid, precision=params.precision)
    found = summaries(run, network, enhance, params.tile_size)
    if max(run.scene.shape[:2]) > WHOLE:
        run.record(tile_size=params.tile_size)
    spatial = SpatialFeature(network.spp, found)
    few = grid.bands <= PRODUCT_UP_TO
    fusion = "sum" if params.scoring == "ae" or (params.fusion == "auto" and not few) else params.fusion
    fusion = "product" if fusion == "auto" else fusion
    run.record(fusion=fusion)
    if fusion == "product":
        return product(run, enhance, spatial)
    features = fused(run, enhance, spatial)
    return autoencoder(features) if params.scoring == "ae" else grx(features)
