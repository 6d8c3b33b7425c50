"""Measure what thresholds without labels do on scenes that carry a truth, and print a table.

    python docs/measurements/thresholds.py FOLDER [METHOD[:WEIGHTS] ...]

FOLDER holds the scenes as .mat files; methods default to grx and slrx. The truth is used to count false
alarms and for nothing else: the rules are the package's defaults, chosen on simulated scores
(tail_simulation.py). One row per scene and method: the actual false-alarm rate, that is the fraction of
background pixels that reach the threshold, at each nominal rate, and the fraction of anomalous pixels found.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import had_cli
from had_cli.results.threshold import threshold

RATES = (1e-2, 1e-3)


def main(folder: Path, methods: list[str]) -> None:
    """Print one row per scene and method, then the median over scenes of each method."""
    rules = [f"{kind}:{rate:g}" for kind in ("cfar", "chi2") for rate in RATES]
    rules += [f"quantile:{1 - rate:g}" for rate in RATES]
    print("| scene | method |", " | ".join(rules), "| P_D at 0.01 | P_D at 0.001 |")
    print("|---|---|" + "---|" * (len(rules) + 2))
    collected: dict[str, list[list[float]]] = {}
    for path in sorted(folder.glob("*.mat")):
        for given in methods:
            method, _, weights = given.partition(":")
            scene = had_cli.open_scene(path)
            if scene.truth is None:
                continue
            result = had_cli.detect(scene, method, weights=weights or None)
            row = measure(result, scene.truth)
            collected.setdefault(method, []).append(row)
            print(f"| {path.stem} | {method} |", " | ".join(map(shown, row)), "|", flush=True)
    for method, rows in collected.items():
        print(f"| median | {method} |", " | ".join(map(shown, np.median(rows, axis=0))), "|")


def measure(result: had_cli.Detection, truth: np.ndarray) -> list[float]:
    """Return false-alarm rates of cfar, chi2 and quantile at each rate, then P_D of cfar."""
    valid = np.isfinite(result.scores)
    background, anomalous = result.scores[valid & ~truth], result.scores[valid & truth]

    def rule(kind: str, rate: float) -> float:
        if kind == "chi2" and result.method != "grx":
            return np.nan
        number = 1 - rate if kind == "quantile" else rate
        return threshold(result.scores, f"{kind}:{number!r}", tags=result.tags()).value

    row = [float(np.mean(background >= rule(k, r))) for k in ("cfar", "chi2", "quantile") for r in RATES]
    for position in (2, 3):
        if result.method != "grx":
            row[position] = np.nan
    return row + [float(np.mean(anomalous >= rule("cfar", rate))) for rate in RATES]


def shown(value: float) -> str:
    """Return a rate for the table."""
    return "" if np.isnan(value) else f"{value:.2g}"


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or ["grx", "slrx"])
