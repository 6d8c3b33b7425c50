"""Measure SSF on wide targets: scenes enlarged twice, and half-mixed foreign squares.

    python docs/measurements/ssf_wide.py FOLDER

FOLDER holds .mat scenes with truths. Every scene is scored as it is, enlarged twice (the cube linearly, the
truth by its nearest pixel), and with squares of 11 and 15 pixels put in: ``several``, five squares of five
spectra; ``one``, three squares of one spectrum; each in DRAWS draws, of whose means the least and the
greatest are shown too. Spectra are drawn from the other scenes, brought to this one's range and bands, and
mixed in by half. Squares keep clear of the truth, whose pixels are then left out. Places and spectra are
drawn by fixed seeds. --wide and --no-wide stand beside each other.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import ndimage

import had_cli

Cube = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
SIDES = (11, 15)
DRAWS = 3
KINDS = {"several": (5, False), "one": (3, True)}
SHARE = 0.5


def main(folder: Path) -> None:
    """Print a row per case: the mean AUC over the scenes with and without --wide."""
    scenes = {path.stem: loaded(path) for path in sorted(folder.glob("*.mat"))}
    known = {name: found for name, found in scenes.items() if found is not None}
    cases: dict[str, list[list[tuple[float, float]]]] = {}
    for name, (cube, truth) in known.items():
        others = [other for key, (other, _) in known.items() if key != name]
        made = {
            "as it is": [(cube, truth, np.ones(truth.shape, bool))],
            "enlarged twice": [enlarged(cube, truth)],
        }
        for side in SIDES:
            for kind, (count, same) in KINDS.items():
                made[f"squares of {side}, {kind}"] = [
                    with_squares(cube, truth, others, side, count, draw, same=same) for draw in range(DRAWS)
                ]
        for case, draws in made.items():
            cases.setdefault(case, []).append(
                [(auc(*shown, wide=True), auc(*shown, wide=False)) for shown in draws]
            )
    print("| case | --wide | --no-wide |\n|---|---|---|")
    for case, values in cases.items():
        means = np.mean(values, axis=0)  # draws x 2
        cells = [f"{np.mean(each):.4f}" + spread(each) for each in means.T]
        print(f"| {case} | {' | '.join(cells)} |")


def spread(means: npt.NDArray[np.float64]) -> str:
    """Return the least and the greatest of several means."""
    return f" ({means.min():.4f} to {means.max():.4f})" if len(means) > 1 else ""


def loaded(path: Path) -> tuple[Cube, Mask] | None:
    """Return a scene's cube and truth, or None where it has no truth."""
    with had_cli.open_scene(path) as scene:
        if scene.truth is None:
            return None
        return scene.read().astype(np.float64), np.asarray(scene.truth)


def enlarged(cube: Cube, truth: Mask) -> tuple[Cube, Mask, Mask]:
    """Return the scene enlarged twice, its truth, and that every pixel is judged."""
    twice = ndimage.zoom(cube, (2, 2, 1), order=1)
    rows, cols = (
        np.rint(np.linspace(0, size - 1, new)).astype(int)
        for size, new in zip(truth.shape, twice.shape[:2], strict=True)
    )
    return twice, truth[np.ix_(rows, cols)], np.ones(twice.shape[:2], bool)


def with_squares(
    cube: Cube, truth: Mask, others: list[Cube], side: int, count: int, draw: int, *, same: bool
) -> tuple[Cube, Mask, Mask]:
    """Return the cube with foreign squares, where they are, and the pixels that are judged."""
    rng = np.random.default_rng([side, count, draw])
    rows, cols, _ = cube.shape
    cube, wanted = cube.copy(), np.zeros(truth.shape, bool)
    taken = ndimage.binary_dilation(truth, iterations=2)
    spectrum = foreign(cube, others, rng)
    for _ in range(3000):
        if not count:
            break
        row, col = rng.integers(rows - side + 1), rng.integers(cols - side + 1)
        place = slice(row, row + side), slice(col, col + side)
        if taken[place].any():
            continue
        cube[place] = (1 - SHARE) * cube[place] + SHARE * spectrum
        wanted[place] = True
        taken[max(row - 2, 0) : row + side + 2, max(col - 2, 0) : col + side + 2] = True
        count -= 1
        spectrum = spectrum if same else foreign(cube, others, rng)
    return cube, wanted, ~truth | wanted


def foreign(cube: Cube, others: list[Cube], rng: np.random.Generator) -> Cube:
    """Return a spectrum of another scene, in this one's bands and range."""
    other = others[rng.integers(len(others))]
    spectrum = other[rng.integers(other.shape[0]), rng.integers(other.shape[1])]
    spectrum = np.interp(np.linspace(0, 1, cube.shape[2]), np.linspace(0, 1, len(spectrum)), spectrum)
    span = np.ptp(other) or 1.0
    return np.asarray((spectrum - other.min()) / span * np.ptp(cube) + cube.min())


def auc(cube: Cube, truth: Mask, judged: Mask, *, wide: bool) -> float:
    """Return the AUC of SSF over the pixels that are judged."""
    scores = had_cli.detect(cube.astype(np.float32), "ssf", device="cpu", wide=wide).scores
    return float(had_cli.evaluate(np.where(judged, scores, np.float32(np.nan)), truth).auc)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
