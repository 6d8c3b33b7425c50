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
from had_ssf.opening import AREA, take_back
from had_ssf.parts import save_parts
from had_ssf.ring import nearest
from had_ssf.robust import RobustDistance
from had_ssf.scales import HALF, add_half, add_wide, has_room
from had_ssf.tophat import TopHats

ALIGN = 32  # pixels: smaller cores would be little beside their halo
COST = 200  # bytes per pixel: planes, and a reflected border's copy
LARGE = 0.7  # the share of its opening that is taken from the sum
Scores = npt.NDArray[np.float32]


def detect(run: Run, params: Any) -> Scores:
    """Return the score of every pixel, rows x cols; ``params`` are those of :func:`score`."""
    return score(run, wide=params.wide, parts=params.save_parts)


def score(run: Run, *, wide: bool = True, parts: Path | None = None) -> Scores:
    """Return the SSF score, rows x cols; see docs/methods/ssf.md for its definition.

    ``wide`` looks for wide targets as well, where the scene has room for some. ``parts`` names a raster
    for the maps that the score is made of.
    """
    if parts is not None:
        check_raster_path(parts)
    moments, spectra = _components(run)
    _report(run, moments, spectra)
    wide = wide and has_room(moments.count)
    run.record(wide=wide)
    members = fused_members(spectra.variances, run.seed)
    fused_count = len(members)
    if wide:
        members = (*members, RobustDistance(run.scene.shape[:2], spectra.variances))
    layers, halves = layers_of(run, spectra, members, wide=wide)
    if parts is not None:
        save_parts(parts, run.scene, layers, tuple(member.name for member in members))
    scores = run.allocate(layers.shape[:2])
    run.record(ranks="exact" if fused(layers[..., :fused_count], scores) else "counted")
    take_back(scores, LARGE, AREA)
    if halves is not None:
        full = run.allocate(scores.shape)
        add_half(scores, halves, run.allocate(halves.shape[:2]), full, LARGE)
        add_wide(scores, layers[..., fused_count], full, run.allocate(scores.shape), LARGE)
    return scores


def layers_of(
    run: Run, spectra: Components, members: tuple[Member, ...], *, wide: bool
) -> tuple[Scores, Scores | None]:
    """Return the maps of ``members``, rows x cols x k, and with ``wide`` those fused at half resolution.

    The components are forgotten when it returns.
    """
    derived = run.through(spectra, bands=len(spectra.variances), label="components")
    layers = maps(derived, members)
    if not wide:
        return layers, None
    half = derived.shrunk(HALF, label="half resolution")
    moments, _ = scene_moments(half)
    return layers, maps(half, fused_members(np.diag(moments.scatter) / moments.count, run.seed))


def three_maps(run: Run) -> Scores:
    """Return ``th``, ``rcf`` and ``near``, rows x cols x 3 and NaN at invalid pixels, for other methods.

    Raises
    ------
    SceneError
        When the scene has a single valid pixel, or none.
    """
    _, spectra = _components(run)
    derived = run.through(spectra, bands=len(spectra.variances), label="components")
    return maps(derived, fused_members(spectra.variances, run.seed))


def fused_members(variances: npt.NDArray[np.float64], seed: int) -> tuple[Member, ...]:
    """Return the maps that are fused, over components of these variances."""
    return TopHats(), RandomFeatures(drawn(seed, variances)), nearest(variances)


def maps(derived: Run, members: tuple[Member, ...]) -> Scores:
    """Return the maps of ``members``, rows x cols x members: two passes over the components."""
    halo = max(member.halo for member in members)
    known = derived.reduce_blocks(Survey(members), halo=halo, align=ALIGN, cost=COST, label="survey")
    functions = tuple(member.scores(what) for member, what in zip(members, known, strict=True))
    function = Maps(functions, tuple(member.halo for member in members))
    return derived.map(function, layers=len(members), halo=halo, align=ALIGN, cost=COST)


def _components(run: Run) -> tuple[Moments, Components]:
    moments, extrema = scene_moments(run)
    if moments.count < 2:
        raise SceneError(f"{run.scene.path}: a single valid pixel has no covariance; SSF needs at least two")
    return moments, components(moments, extrema)


def _report(run: Run, moments: Moments, spectra: Components) -> None:
    rank = int(np.count_nonzero(spectra.variances))
    run.record(components=rank, valid_pixels=moments.count, log_ranks=True)
    if not rank:
        run.warn("every valid pixel of the scene is the same: all scores are equal")
