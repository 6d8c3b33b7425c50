"""The detector: train on the scene unless weights are given, rebuild it, score what is left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Run, TrainingJob, WeightsError, scene_hash
from had_nl2net import CUBE
from had_nl2net.background import refuse_unwritable, save_background
from had_nl2net.network import NL2Net
from had_nl2net.precision import resolve_precision
from had_nl2net.rebuilding import Rebuilding
from had_nl2net.released import FACTOR
from had_nl2net.scaling import Input, scene_input
from had_nl2net.settings import Settings, refuse_beside_weights
from had_nl2net.trainer import Training
from had_nl2net.weights import known_of, load_network

Scores = npt.NDArray[np.float32]
ROWS = 256  # at a time: the layers may lie on disk


def detect(run: Run, params: Any) -> Scores:
    """Return the NL2Net score, rows x cols in [0, 1] (Wang et al. 2025).

    It is the mean squared difference between what the network is shown and its background, over the
    components, or over the bands of the cube in [0, 1] as published; scaled to [0, 1] over the scene.
    """
    if params.save_background is not None:
        refuse_unwritable(params.save_background)
    given = Settings.of(params, run.scene.shape)
    settings = given if run.weights is None else _settings_of_weights(run, params, given)
    scaling = scene_input(run, settings)
    if run.weights is None:
        network, settings = _trained_here(run, settings, scaling, params)
    else:
        network = load_network(run.weights, scaling.channels, settings.factor)
        run.record(channels=network.channels, blocks=network.blocks)
    function, cut = _rebuilding(run, network, settings, scaling, params)
    bands = run.scene.shape[2]
    layers = run.map(
        function,
        layers=1 + bands if function.background else 1,
        **cut,
        cost=8 * bands,
        parallel=False,
        label="background",
    ).reshape(*run.scene.shape[:2], -1)
    if function.background:
        save_background(params.save_background, run.scene, layers[..., 1:], run.warn)
    return scaled_scores(layers)


def scaled_scores(layers: npt.NDArray[np.float32]) -> Scores:
    """Return the first layer scaled to [0, 1]; one that is the same everywhere becomes 0."""
    scores = np.ascontiguousarray(layers[..., 0])
    low, high = np.nanmin(scores), np.nanmax(scores)
    scores -= low
    if high > low:
        scores /= high - low
    return scores


def _rebuilding(
    run: Run, network: NL2Net, settings: Settings, scaling: Input, params: Any
) -> tuple[Rebuilding, dict[str, int]]:
    """Return the block map, and how it wants the scene cut."""
    rows, cols, _ = run.scene.shape
    large = settings.is_large(rows, cols)
    core, halo = (settings.core, settings.halo) if large else (max(rows, cols), 0)
    precision = resolve_precision(params.precision, run.device)
    run.record(precision=str(precision).removeprefix("torch."))
    if large:
        run.record(tile=settings.tile_size, halo=halo)
    function = Rebuilding(
        network, scaling, precision, core, halo, background=params.save_background is not None
    )
    return function, {"halo": halo, "align": core}


def _trained_here(run: Run, settings: Settings, scaling: Input, params: Any) -> tuple[NL2Net, Settings]:
    job = TrainingJob(
        scenes=[run.scene],
        device=run.device,
        seed=run.seed,
        output=Path(),
        checkpoint=None,
        resume=False,
        progress=lambda label, fraction, **_: run.progress(label, fraction),
        warn=run.warn,
        log_file=params.log_file,
    )
    training = Training(job, scaling, settings, params.precision).run()
    run.record(**training.describe())
    return training.network, training.settings


def _settings_of_weights(run: Run, params: Any, chosen: Settings) -> Settings:
    """Return what the weights say of their network; nothing of that may be asked otherwise.

    Raises
    ------
    WeightsError
        When the header says nothing that can be, or the weights are for another number of bands.
    """
    known = known_of(run.weights)
    factor, bands = known["factor"], run.scene.shape[2]
    refuse_beside_weights(params, allowed=("tile_size",) if factor else ("factor", "tile_size"))
    if known.get("bands", bands) != bands:
        raise WeightsError(
            f"the weights are of a network for {known['bands']} bands, and {bands} are selected; "
            "train on this scene, or choose bands with --bands"
        )
    if not factor:
        factor = params.factor or FACTOR
        if params.factor is None:
            run.warn(f"the imported weights do not tell their factor; {FACTOR} is taken, or give --factor")
    scenes = [scene.get("sha256") for scene in run.weights.header.get("scenes", ())]
    if scenes and scene_hash(run.scene) not in scenes:
        run.warn("the weights were trained on another scene or selection; nl2net knows that background only")
    seen = known.get("input", CUBE)  # weights of before there was a choice, and imported ones
    run.record(input=seen, factor=factor)
    return replace(
        chosen,
        input=seen,
        components=known.get("components", chosen.components),
        factor=factor,
        tile_size=params.tile_size or known["tile_size"],
    )
