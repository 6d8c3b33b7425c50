"""Hyperspectral anomaly detection: in Python, what the commands do.

Nothing is imported before it is used: numpy and rasterio are not on the way to ``had --help``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from had_cli._version import __version__

if TYPE_CHECKING:
    from had_cli.detection.detect import Detection, detect
    from had_cli.detection.estimator import HadDetector
    from had_cli.results.metrics.evaluation import Evaluation, evaluate
    from had_cli.results.picture import quicklook
    from had_cli.results.places import Places, find_places
    from had_cli.results.threshold import Threshold, threshold
    from had_cli.scenes.convert import convert
    from had_cli.scenes.open import open_scene, open_scores, open_truth
    from had_cli.scenes.scene import Scene
    from had_cli.scenes.source import Window
    from had_cli.training.train import train
    from had_cli.weights.file import Weights, load_weights

__all__ = [
    "Detection",
    "Evaluation",
    "HadDetector",
    "Places",
    "Scene",
    "Threshold",
    "Weights",
    "Window",
    "__version__",
    "convert",
    "detect",
    "evaluate",
    "find_places",
    "load_weights",
    "open_scene",
    "open_scores",
    "open_truth",
    "quicklook",
    "threshold",
    "train",
]

_HOMES = {
    "Detection": "detection.detect",
    "Evaluation": "results.metrics.evaluation",
    "HadDetector": "detection.estimator",
    "Places": "results.places",
    "Scene": "scenes.scene",
    "Threshold": "results.threshold",
    "Weights": "weights.file",
    "Window": "scenes.source",
    "convert": "scenes.convert",
    "detect": "detection.detect",
    "evaluate": "results.metrics.evaluation",
    "find_places": "results.places",
    "load_weights": "weights.file",
    "open_scene": "scenes.open",
    "open_scores": "scenes.open",
    "open_truth": "scenes.open",
    "quicklook": "results.picture",
    "threshold": "results.threshold",
    "train": "training.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"had_cli.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
