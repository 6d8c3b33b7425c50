"""The detector: three maps, on one scale by their ranks, added; less what of the sum is large."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Moments, Run, SceneError, check_raster_path
from had_ssf.components import Components, components
from had_ssf.features import RandomFeatures, drawn
from had_ssf.fusion import fused
from had_ssf.members import Maps, Member, Survey
from had_ssf.moments import scene_moments
from had_ssf.opening import take_back
from had_ssf.parts import save_parts
from had_ssf.ring import nearest
from had_ssf.tophat import TopHats

ALIGN = 32  # pixels: smaller cores would be little beside their halo
COST = 200  # bytes per pixel: planes, and a reflected border's copy
LARGE = 0.7  # the share of its opening that is taken from the sum
Scores = npt.NDArray[np.float32]


def detect(run: Run, params: Any) -> Scores:
    """Return the score of every pixel, rows x cols; ``params`` are those of :func:`score`."""
    return score(run, parts=params.save_parts)


def score(run: Run, *, parts: Path | None = None) -> Scores:
    """Return the SSF score, rows x cols; see docs/methods/ssf.md for its definition.

    ``parts`` names a raster for the three maps that it is made of.
    """
    if parts is not None:
        check_raster_path(parts)
    moments, extrema = scene_moments(run)
    if moments.count < 2:
        raise SceneError(f"{run.scene.path}: a single valid pixel has no covariance; SSF needs at least two")
    spectra = components(moments, extrema)
    _tell(run, moments, spectra)
    members = fused_members(spectra, run.seed)
    layers = maps(run, spectra, members)
    if parts is not None:
        save_parts(parts, run.scene, layers, tuple(member.name for member in members))
    scores = run.allocate(layers.shape[:2])
    run.record(ranks="exact" if fused(layers, scores) else "counted")
    take_back(scores, LARGE)
    return scores


def fused_members(spectra: Components, seed: int) -> tuple[Member, ...]:
    """Return the maps that are fused, over the components of a scene."""
    return TopHats(), RandomFeatures(drawn(seed, spectra.variances)), nearest(spectra.variances)


def maps(run: Run, spectra: Components, members: tuple[Member, ...]) -> Scores:
    """Return the maps of ``members``, rows x cols x members: two passes over the components."""
    halo = max(member.halo for member in members)
    derived = run.through(spectra, bands=len(spectra.variances), label="components")
    known = derived.reduce_blocks(Survey(members), halo=halo, align=ALIGN, cost=COST, label="survey")
    functions = tuple(member.scores(what) for member, what in zip(members, known, strict=True))
    function = Maps(functions, tuple(member.halo for member in members))
    return derived.map(function, layers=len(members), halo=halo, align=ALIGN, cost=COST)


def _tell(run: Run, moments: Moments, spectra: Components) -> None:
    rank = int(np.count_nonzero(spectra.variances))
    run.record(components=rank, valid_pixels=moments.count)
    if not rank:
        run.warn("every valid pixel of the scene is the same: all scores are equal")
