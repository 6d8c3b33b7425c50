"""A small scene that weights are tried on: what they say of it tells whether they still work as they did.

The scene is made from a recipe, in the bands of the weights. Scores of some of its pixels stand in the
header of the weights, written when they were made; ``had models verify`` computes them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.detection.detect import detect
from had_cli.errors import HadError, WeightsError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method
from had_cli.scenes.bands import BandGrid
from had_cli.scenes.scene import Scene
from had_cli.weights.file import Weights

KEY = "probe"  # field of the header
RECIPE = 1  # number of the scene below: another scene would be another number
SIDE = 32
EVERY = 17  # pixels between two scores that are kept; prime to the width, so every column has its turn
ANY = "any"  # bands in the header of weights that take scenes as they are
PLENTY = BandGrid(60)  # and what they are tried on
TOLERANCE = 1e-4  # of the highest score; other kernels and instruction sets cost about a hundredth of it


def probe_scene(grid: BandGrid) -> Scene:
    """Return the scene: 32 x 32 pixels of mixed smooth spectra with noise, and some anomalies.

    Its noise is raw output of a bit generator, which no version of numpy changes.
    """
    position = np.linspace(0, 1, grid.bands)
    centres, widths = np.array([[0.15], [0.5], [0.9]]), np.array([[0.3], [0.2], [0.4]])
    spectra = 0.1 + 0.4 * np.exp(-(((position - centres) / widths) ** 2))
    y, x = np.mgrid[:SIDE, :SIDE]
    abundances = 1 + 0.5 * np.stack([np.sin(x / 7), np.cos(y / 5), np.sin((x + y) / 11)], axis=-1)
    cube = abundances @ spectra / 3
    bits = np.random.PCG64(RECIPE).random_raw(cube.size) >> np.uint64(11)
    cube += 0.02 * (bits.reshape(cube.shape) * 2.0**-53 - 0.5)
    cube.reshape(-1, grid.bands)[:: 7 * EVERY] += 0.15 * np.sin(9 * position)
    return Scene.from_array(cube.astype(np.float32), name="probe", wavelengths=grid.wavelengths)


def probed(weights: Weights, warn: Callable[[str], None]) -> dict[str, Any]:
    """Return the header of ``weights`` with what they say of the probe.

    Weights that cannot be tried, because their header names no bands or their method refuses the
    probe, are told by ``warn`` and get none.
    """
    header = {name: value for name, value in weights.header.items() if name != KEY}
    try:
        parameters = _parameters(host.method(weights.method))
        scores = _scores(weights, parameters)
    except HadError as error:
        warn(f"no probe is kept to verify these weights by: {error}")
        return header
    kept = {
        "recipe": RECIPE,
        "parameters": parameters,
        "tolerance": TOLERANCE,
        "scores": [float(f"{score:.7g}") for score in scores],
    }
    return {**header, KEY: kept}


def probe_difference(weights: Weights) -> float | None:
    """Return by how much scores of the probe differ from those kept, as a part of the highest.

    None where none are kept.

    Raises
    ------
    WeightsError
        When what is kept makes no sense, or is of a recipe that this version does not know.
    HadError
        When the method is not installed or fails.
    """
    kept = weights.header.get(KEY)
    if kept is None:
        return None
    if not isinstance(kept, Mapping) or kept.get("recipe") != RECIPE:
        raise WeightsError("their probe is of a recipe that this version of had does not know; update had")
    try:
        expected = np.asarray(kept["scores"], np.float64)
        parameters = dict(kept["parameters"])
        float(kept["tolerance"])
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError("the probe in their header makes no sense; make them again") from error
    scores = _scores(weights, parameters)
    if expected.shape != scores.shape:
        raise WeightsError("the probe in their header makes no sense; make them again")
    return float(np.max(np.abs(scores - expected)) / (np.max(np.abs(expected)) or 1.0))


def tolerance(weights: Weights) -> float:
    """Return the difference allowed to weights that keep a probe."""
    return float(weights.header[KEY]["tolerance"])


def _parameters(method: Method) -> dict[str, Any]:
    """Return what the method is run with: its defaults, in the arithmetic that every processor has."""
    return {p.name: "float32" for p in method.params if p.name == "precision" and "float32" in p.choices}


def _scores(weights: Weights, parameters: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    grid = PLENTY if weights.header.get("bands") == ANY else BandGrid.from_header(weights.header)
    scene = probe_scene(grid)
    found = detect(scene, weights.method, weights=weights, device="cpu", engine="memory", **parameters)
    return found.scores.reshape(-1)[::EVERY].astype(np.float64)
