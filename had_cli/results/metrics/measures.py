"""The figures of merit, each ``measure(truth, scores) -> float`` on the valid pixels.

``truth`` is a 1-D bool array (True: anomalous) and ``scores`` a 1-D float64 array of the same length,
without NaN. A truth of one class gives NaN for every measure that needs both. Measures over the
threshold tau use scores scaled to [0, 1]; a constant map scales to 0, and where a score is infinite
there is no scale and these measures are NaN, while those that only rank the pixels are not affected.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from had_cli.results.metrics.curve import Curve, curve_of

Truth = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float64]


def auc_df(truth: Truth, scores: Scores) -> float:
    """Return AUC(D,F), the area under P_D over P_F."""
    return curve_of(truth, scores).area_df


def auc_dtau(truth: Truth, scores: Scores) -> float:
    """Return AUC(D,tau), the area under the steps of P_D over tau in [0, 1]."""
    return curve_of(truth, scores).area_dtau


def auc_ftau(truth: Truth, scores: Scores) -> float:
    """Return AUC(F,tau), the area under the steps of P_F over tau in [0, 1]."""
    return curve_of(truth, scores).area_ftau


def auc_td(truth: Truth, scores: Scores) -> float:
    """Return AUC_TD = AUC(D,F) + AUC(D,tau)."""
    return auc_df(truth, scores) + auc_dtau(truth, scores)


def auc_bs(truth: Truth, scores: Scores) -> float:
    """Return AUC_BS = AUC(D,F) - AUC(F,tau)."""
    return auc_df(truth, scores) - auc_ftau(truth, scores)


def auc_tdbs(truth: Truth, scores: Scores) -> float:
    """Return AUC_TDBS = AUC(D,tau) - AUC(F,tau)."""
    return auc_dtau(truth, scores) - auc_ftau(truth, scores)


def auc_odp(truth: Truth, scores: Scores) -> float:
    """Return AUC_ODP = AUC(D,tau) + 1 - AUC(F,tau)."""
    return auc_dtau(truth, scores) + 1 - auc_ftau(truth, scores)


def auc_oa(truth: Truth, scores: Scores) -> float:
    """Return AUC_OA = AUC(D,F) + AUC(D,tau) - AUC(F,tau)."""
    return auc_df(truth, scores) + auc_dtau(truth, scores) - auc_ftau(truth, scores)


def auc_oadp(truth: Truth, scores: Scores) -> float:
    """Return AUC_OADP = AUC_OA + 1, as the TDD system reports it."""
    return auc_oa(truth, scores) + 1


def auc_snpr(truth: Truth, scores: Scores) -> float:
    """Return AUC_SNPR = AUC(D,tau) / AUC(F,tau); inf where AUC(F,tau) is 0."""
    true, false = auc_dtau(truth, scores), auc_ftau(truth, scores)
    if math.isnan(true) or math.isnan(false):
        return math.nan
    return true / false if false > 0 else math.inf


def average_precision(truth: Truth, scores: Scores) -> float:
    """Return the sum over thresholds of precision times the step in recall (as scikit-learn does)."""
    curve = curve_of(truth, scores)
    if not curve.both:
        return math.nan
    values, steps = np.unique(curve.anomalous, return_counts=True)
    false, true = curve.counts(values)
    return float((steps * (true / (true + false))).sum() / len(curve.anomalous))


def best_f1(curve: Curve) -> tuple[float, float]:
    """Return the largest F1 and the threshold (score units, >=) that reaches it, the highest if several.

    Only anomalous scores are tried: any threshold between two of them adds false alarms alone.
    """
    if not curve.both:
        return math.nan, math.nan
    values = np.unique(curve.anomalous)[::-1]
    false, true = curve.counts(values)
    scores = 2 * true / (true + false + len(curve.anomalous))
    best = int(np.argmax(scores))
    return float(scores[best]), float(values[best])


def f1(truth: Truth, scores: Scores) -> float:
    """Return the largest F1 over all thresholds."""
    return best_f1(curve_of(truth, scores))[0]


def detection_at(curve: Curve, limit: float) -> float:
    """Return P_D at the largest attainable P_F <= ``limit``; NaN where one background pixel exceeds it.

    Background pixels of equal score are let in together or not at all.
    """
    count = len(curve.background)
    if not curve.both or 1 / count > limit:
        return math.nan
    allowed = int(limit * count)
    while (allowed + 1) / count <= limit:  # limit * count may round to just below a whole number
        allowed += 1
    if allowed >= count:
        return 1.0
    first_refused = curve.background[count - 1 - allowed]
    above = len(curve.anomalous) - int(np.searchsorted(curve.anomalous, first_refused, "right"))
    return above / len(curve.anomalous)


def pd_at_pf_1e_3(truth: Truth, scores: Scores) -> float:
    """Return P_D at the largest attainable P_F not above 1e-3."""
    return detection_at(curve_of(truth, scores), 1e-3)


def pd_at_pf_1e_2(truth: Truth, scores: Scores) -> float:
    """Return P_D at the largest attainable P_F not above 1e-2."""
    return detection_at(curve_of(truth, scores), 1e-2)
