"""The Python interface: what the commands do, as functions."""

from had_cli.detection.detect import Detection, detect
from had_cli.results.metrics.evaluation import Evaluation, evaluate
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene

__all__ = ["Detection", "Evaluation", "Scene", "detect", "evaluate", "open_scene"]
