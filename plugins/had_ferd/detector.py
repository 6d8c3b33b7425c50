"""The detector: FEN adds to every pixel its background feature, GRX or SLRX scores the sum."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import BandGrid, Run, resampling
from had_ferd.enhancement import Enhance, ResampledSums, statistics
from had_ferd.fen import PAD, Fen
from had_ferd.scoring import scoring_of
from had_ferd.weights import from_weights
from had_grx.detector import score as grx
from had_slrx.detector import score as slrx


def detect(run: Run, params: Any) -> npt.NDArray[np.float32]:
    """Return the score of the enhanced cube x + f, rows x cols (Jin, Dang & Zhu 2024, sec. II).

    ``params`` holds ``scoring`` (``auto``, ``grx`` or ``slrx``; :func:`had_ferd.scoring.scoring_of`),
    ``block_size`` for slrx, and ``precision``. Where the user chose background, grx takes mean and covariance
    from there; what the network sees stays the same.
    """
    scoring = scoring_of(run, params)
    fen, grid = from_weights(run.weights)
    features = enhanced(run, fen, grid, precision=params.precision)
    return slrx(features, block_size=params.block_size) if scoring == "slrx" else grx(features)


def enhanced(run: Run, fen: Fen, grid: BandGrid, *, precision: str = "float32") -> Run:
    """Return a run over the enhanced cube x + f of the scene, on the bands of ``grid``."""
    function = enhancement(run, fen, grid, precision=precision)
    return run.through(function, bands=grid.bands, halo=PAD, cost=function.cost, label="features")


def enhancement(run: Run, fen: Fen, grid: BandGrid, *, precision: str = "float32") -> Enhance:
    """Return the block map to the enhanced cube x + f of the scene, on the bands of ``grid``.

    Spectra are resampled to ``grid`` (:func:`had_cli.scenes.bands.resampling`) and scaled to [-0.1, 0.1] by
    their extrema over the scene: one pass.
    """
    spectra = resampling(BandGrid.of(run.scene), grid, name=run.scene.path)
    spectra.warn_of_differences(run.warn)
    run.record(network_bands=grid.bands, resampled_by=spectra.how)
    known = statistics(run.reduce(ResampledSums(spectra), "extrema"))
    if known.extrema.low == known.extrema.high:
        run.warn("every valid value of the scene is the same: the scores say nothing")
    return Enhance(fen, spectra, known, precision)
