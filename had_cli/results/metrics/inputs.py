"""What is judged: scores and labels of the pixels that count, from arrays or files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.results.metrics.curve import Values

Given = npt.ArrayLike | str | Path


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pixels that count.

    Attributes
    ----------
    truth : (n,) bool; scores : (n,) float32 or float64 without NaN; both are copies
    excluded, excluded_anomalous : pixels without a score or masked out, and the anomalous among them
    warnings : one line each
    """

    truth: npt.NDArray[np.bool_]
    scores: Values
    excluded: int
    excluded_anomalous: int
    warnings: tuple[str, ...]


def paired(scores: Given, truth: Given, mask: npt.ArrayLike | None) -> Pairs:
    """Return the pixels that have a score and lie within ``mask`` (True: takes part).

    Raises
    ------
    SceneError
        When the shapes differ, one of the arrays is not what it should be, or no pixel is left.
    """
    name, array = _scores(scores)
    truth_name, marked, warnings = _truth(truth, array.shape)
    if marked.shape != array.shape:
        turned = "; it looks transposed" if marked.shape == array.shape[::-1] else ""
        raise SceneError(
            f"{truth_name}: the truth has {_size(marked)} pixels, {name} has {_size(array)}{turned}"
        )
    counts = ~np.isnan(array)
    if mask is not None:
        keep = _squeezed(np.asarray(mask))
        if keep.shape != array.shape:
            raise SceneError(f"the mask has {_size(keep)} pixels, {name} has {_size(array)}")
        counts &= keep.astype(bool)
    labels, values = marked[counts], array[counts]
    if not len(values):
        raise SceneError(
            f"{name}: no pixel has a valid score, so there is nothing to evaluate; check mask and nodata"
        )
    total = int(np.count_nonzero(marked))
    lost = total - int(np.count_nonzero(labels))
    if lost:
        warnings.append(
            f"{lost} of {total} anomalous pixels have no valid score or are masked out and do not count"
        )
    return Pairs(labels, values, array.size - len(values), lost, tuple(warnings))


def _scores(scores: Given) -> tuple[str, Values]:
    """Return name and floating array; float32 stays so, since it sorts in half the memory."""
    if isinstance(scores, str | Path):
        from had_cli.scenes.open import open_scores

        name, array = str(scores), open_scores(scores)[0]
    else:
        name, array = "the score map", _squeezed(np.asarray(scores))
    if array.dtype.kind not in "biuf":
        raise SceneError(f"{name}: {array.dtype} values are no scores; a score map holds real numbers")
    return name, array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _truth(truth: Given, shape: tuple[int, ...]) -> tuple[str, npt.NDArray[np.bool_], list[str]]:
    """Return name, rows x cols truth and warnings."""
    if isinstance(truth, str | Path):
        from had_cli.scenes.open import open_truth

        if len(shape) != 2:
            raise SceneError(
                f"{truth}: a truth file needs rows x cols scores, not an array of {len(shape)} axes"
            )
        return str(truth), open_truth(truth, (shape[0], shape[1])), []
    array = _squeezed(np.asarray(truth))
    if array.dtype == np.bool_:
        return "the truth", array, []
    if array.dtype.kind not in "iuf" or np.isnan(array).any() or (array < 0).any():
        raise SceneError("the truth holds values that are no labels; give 0 for background, 1 for anomalous")
    marked = array != 0
    several = np.unique(array[marked]).size
    notes = (
        [f"the truth holds {several} labels besides 0: all of them count as anomalous"] if several > 1 else []
    )
    return "the truth", marked, notes


def _squeezed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Drop the band axis that many files give a map."""
    return array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array


def _size(array: npt.NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape))
