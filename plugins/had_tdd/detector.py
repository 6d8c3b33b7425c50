"""The detector: normalise the scene, run the network over its tiles, scale the map."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import (
    BandGrid,
    Block,
    Resampling,
    Run,
    SceneError,
    UsageError,
    ground_sampling_distance,
    resampling,
)
from had_tdd.attention import EXACT
from had_tdd.evidence import NAMES, evidence
from had_tdd.large import LargeTileMap, LargeTiling, pixel_cost
from had_tdd.maps_network import MapsNetwork, scored
from had_tdd.normalising import Statistics, of_scene, scaling
from had_tdd.tiles import TileMap, Tiling
from had_tdd.weights import Model, from_weights, maps_network

Scores = npt.NDArray[np.float32]
# of tiles where neither the user nor the weights say anything: published for WHU-Hi-River
PATCH, PAD = 20, 10
CHANNEL_COST = 24  # bytes per pixel and channel that tiles take while they are cut


def detect(run: Run, params: Any) -> Scores:
    """Return the map of the network, rows x cols in [0, 1] (Li et al. 2024, or a network over maps)."""
    network = maps_network(run.weights)
    if network is not None:
        return detect_over_maps(run, network, params)
    model = from_weights(run.weights)
    spectra = resampling(BandGrid.of(run.scene), model.grid, name=run.scene.path)
    spectra.warn_of_differences(run.warn)
    tiling = tiling_for(run, model, params)
    run.record(
        network_bands=model.grid.bands,
        resampled_by=spectra.how,
        normalised_by=model.normalisation.kind,
        width=model.network.width,
        local_attention=model.network.attention,
        patch=tiling.patch,
        pad=tiling.pad,
        input_size=tiling.size,
    )
    known = run.reduce(Statistics(spectra))
    normaliser = of_scene(model.normalisation, spectra, known)
    if not normaliser.matrix.any():
        run.warn("every valid pixel of the scene is the same: the scores say nothing")
    mean = known.moments.mean.astype(np.float32)
    if params.large_tiles and tiling.blend and model.network.attention == EXACT:
        cost = pixel_cost(model.network, tiling, model.normalisation.channels(model.grid.bands))
        large = LargeTiling.of(tiling, 8 * run.scene.shape[2] + cost)
        run.record(large_tile=large.core + 2 * large.pad)
        whole = LargeTileMap(model.network, normaliser, mean, large)
        scores = run.map(whole, halo=large.pad, align=large.core, cost=cost, parallel=False)
    else:
        cost = CHANNEL_COST * normaliser.matrix.shape[1]
        tiles = TileMap(model.network, normaliser, mean, tiling, params.tile_batch)
        scores = run.map(tiles, halo=tiling.halo, align=tiling.patch, cost=cost, parallel=False)
    if params.suppress_bright:
        scores /= run.map(Brightness(spectra, scaling(known).astype(np.float32)), label="brightness")
    return scaled_scores(scores)


def detect_over_maps(run: Run, network: MapsNetwork, params: Any) -> Scores:
    """Return the map of a network over maps, rows x cols in [0, 1].

    Raises
    ------
    UsageError
        When a parameter is given that is one of tiles.
    """
    for name in ("patch", "pad", "tile_metres"):
        if getattr(params, name) is not None:
            option = "--" + name.replace("_", "-")
            raise UsageError(f"{option} is for networks that see tiles; these weights see the whole scene")
    if params.suppress_bright:
        raise UsageError("--suppress-bright is for networks that see tiles; these weights see ranks")
    layers = evidence(run)
    run.record(network="maps", maps=list(NAMES), width=network.width)
    scores = run.allocate(layers.shape[:2])
    scored(network, layers, scores)
    return scaled_scores(scores)


def tiling_for(run: Run, model: Model, params: Any) -> Tiling:
    """Return the tiles asked for, or those the network was trained on, or the published ones.

    Raises
    ------
    UsageError
        When options contradict each other.
    SceneError
        When a tile is given in metres and the scene's pixels have no known size.
    """
    if params.tile_metres is not None and (params.patch, params.pad) != (None, None):
        raise UsageError("--tile-metres stands for --patch and --pad: give one or the other")
    patch: int | None = params.patch
    pad: int | None = params.pad
    tile = model.tile
    if params.tile_metres is not None:
        distance = ground_sampling_distance(run.scene.info)
        if distance is None:
            raise SceneError(
                f"{run.scene.path}: the size of its pixels on the ground is not known; give --patch and "
                "--pad in pixels in the place of --tile-metres"
            )
        run.record(ground_sampling_distance=round(distance, 4))
        tile = max(4, round(params.tile_metres / distance))
    elif patch is None and tile is None:
        run.warn(
            f"these weights do not tell the size of their tiles: --patch {PATCH} --pad {PAD} is taken; the "
            "published ones are 10 and 5, 20 and 10, 50 and 25, 100 and 100"
        )
        patch = PATCH
    if patch is None:
        assert tile is not None  # noqa: S101 - else there is a patch
        pad = tile // 4 if pad is None else pad
        patch = max(2, tile - 2 * pad)
    return Tiling(patch, patch // 2 if pad is None else pad, model.input_size, params.blend)


class Brightness:
    """Block map to the greatest scaled value of a pixel over the bands, at least a little above zero."""

    LEAST = 1e-3

    def __init__(self, spectra: Resampling, scale: npt.NDArray[np.float32]) -> None:
        self.spectra, self.scale = spectra, scale

    def __call__(self, block: Block) -> Any:
        """Return core height x core width."""
        xp = block.xp
        cube = block.core_of(block.cube)
        scaled = self.spectra(cube, xp) / xp.asarray(self.scale, device=getattr(cube, "device", None))
        brightest = xp.max(scaled, axis=-1)
        return xp.where(brightest > self.LEAST, brightest, self.LEAST)


def scaled_scores(scores: Scores) -> Scores:
    """Return scores scaled to [0, 1] over the scene, in place; a map that is flat becomes 0."""
    low, high = np.nanmin(scores), np.nanmax(scores)
    scores -= low
    if high > low:
        scores /= high - low
    return scores
