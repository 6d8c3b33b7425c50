"""The scene's moments at the speed of single precision and the accuracy of double."""

from __future__ import annotations

import logging
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.engine.reductions import Deflation, Joint, Moments, SecondMoments, rounding_error
from had_cli.engine.run import Run
from had_cli.scenes.scene import Scene

logger = logging.getLogger(__name__)

# Up to this many values (a 400 x 400 x 200 scene), double precision costs a fraction of a second.
SMALL = 2**25
SAMPLE = 16_384
# Relative error that single precision may add to a Mahalanobis distance.
TOLERANCE = 2e-6


def scene_moments(
    run: Run, *others: Any, label: str = "statistics", background: bool = False
) -> tuple[Moments, tuple[Any, ...]]:
    """Return the moments of the scene's valid pixels, and the results of ``others``, in one pass.

    With ``background``, of those that the user chose as background, if any were chosen.

    Hyperspectral covariances have condition numbers of 1e6 and more, which products in single
    precision would not survive. Small scenes are computed in double. On large ones a sample of
    pixels gives the leading directions of the background; with as many of these shrunk as it takes
    (:class:`Deflation`) the rest is well conditioned and single precision is enough. Where no number of
    them would do, double precision is used at once; where the result shows that it did not, in a second
    pass. Features of a network are reduced in
    double at once: a sample would have to compute many of them twice, which costs more.
    """
    bands = run.scene.shape[2]
    if not is_small(run.scene) and run.scene.source.info.format != "derived":
        sample = run.sample(SAMPLE, background=background)
        if len(sample) >= 2 * bands:
            deflation = Deflation.enough(sample, TOLERANCE / 2)
            if deflation is not None:
                moments, *rest = run.reduce(
                    Joint((SecondMoments(deflation), *others)), label, background=background
                )
                if moments.count > bands and rounding_error(moments) <= TOLERANCE:
                    return deflation.undo(moments), tuple(rest)
            logger.info("the covariance is too ill-conditioned for single precision; computing it in double")
    moments, *rest = run.reduce(Joint((SecondMoments(), *others)), label, background=background)
    return moments, tuple(rest)


def is_small(scene: Scene) -> bool:
    """Tell whether double precision costs a fraction of a second for the whole scene."""
    return math.prod(scene.shape) <= SMALL


def reading_error(run: Run, mean: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the standard deviation of what reading takes off each band's values, (bands,).

    Scenes are read in single precision. That is exact for integers of 16 bits and for the single
    precision that most files hold, and harmless unless values of 32 or 64 bits vary little beside
    their mean.
    """
    stored = run.scene.source.info.dtype
    if np.can_cast(stored, np.float32):
        return np.zeros(len(mean))
    step = np.spacing(np.abs(mean).astype(np.float32)).astype(np.float64)
    if stored.kind in "iu" and run.scene.info.scale is None and run.scene.info.offset is None:
        step[step <= 1] = 0
    return np.asarray(step / np.sqrt(12))  # of a uniform error within a step


def warn_of_reading_error(run: Run, share: float) -> None:
    """Warn where rounding is more than a hundredth of the deviation that scores are measured in."""
    if share > 0.01:
        run.warn(
            f"values of {run.scene.source.info.dtype} are read in single precision, which is too coarse for "
            f"this scene (rounding is {share:.0%} of what scores tell apart): subtract an offset from the "
            "bands, whose values lie far from zero"
        )
