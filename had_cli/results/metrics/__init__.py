"""The figures of merit that come with ``had``, as a plugin.

They are declared here and computed in :mod:`had_cli.results.metrics.measures`; nothing here imports numpy.
Definitions: C.-I Chang, "An Effective Evaluation Tool for Hyperspectral Target Detection: 3D
Receiver Operating Characteristic Curve Analysis", IEEE TGRS 59(6), 2021,
doi 10.1109/TGRS.2020.3021671. Names for the sums vary between papers, so each carries its formula.
"""

from __future__ import annotations

import math

from had_cli.plugin.descriptions import Metric
from had_cli.plugin.hooks import hookimpl

# name, symbol, formula, best value, summary
_METRICS = (
    (
        "auc_df",
        "AUC(D,F)",
        "area under P_D over P_F",
        1,
        "Chance that an anomalous pixel scores above a background pixel",
    ),
    ("auc_dtau", "AUC(D,tau)", "area under P_D over tau", 1, "Mean scaled score of the anomalous pixels"),
    ("auc_ftau", "AUC(F,tau)", "area under P_F over tau", 0, "Mean scaled score of the background"),
    ("auc_td", "AUC_TD", "AUC(D,F) + AUC(D,tau)", 2, "Target detectability"),
    ("auc_bs", "AUC_BS", "AUC(D,F) - AUC(F,tau)", 1, "Background suppressibility"),
    ("auc_tdbs", "AUC_TDBS", "AUC(D,tau) - AUC(F,tau)", 1, "Target detection with background suppression"),
    ("auc_odp", "AUC_ODP", "AUC(D,tau) + 1 - AUC(F,tau)", 2, "Overall detection probability"),
    ("auc_oa", "AUC_OA", "AUC(D,F) + AUC(D,tau) - AUC(F,tau)", 2, "Overall accuracy"),
    ("auc_oadp", "AUC_OADP", "AUC_OA + 1", 3, "Overall accuracy and detection probability"),
    ("auc_snpr", "AUC_SNPR", "AUC(D,tau) / AUC(F,tau)", math.inf, "Signal-to-noise probability ratio"),
    ("average_precision", "AP", "sum of precision x step in recall", 1, "Average precision"),
    ("f1", "F1", "largest 2 TP / (2 TP + FP + FN)", 1, "F1 at its best threshold"),
    (
        "pd_at_pf_1e_3",
        "P_D at 1e-3",
        "P_D at the largest attainable P_F <= 1e-3",
        1,
        "Detection at one false alarm in 1000",
    ),
    (
        "pd_at_pf_1e_2",
        "P_D at 1e-2",
        "P_D at the largest attainable P_F <= 1e-2",
        1,
        "Detection at one false alarm in 100",
    ),
)


@hookimpl
def had_metrics() -> list[Metric]:
    """Offer the 3-D ROC family, average precision, F1 and P_D at low P_F."""
    return [
        Metric(
            name=name,
            symbol=symbol,
            summary=summary,
            compute=f"had_cli.results.metrics.measures:{name}",
            formula=formula,
            best=float(best),
        )
        for name, symbol, formula, best, summary in _METRICS
    ]
