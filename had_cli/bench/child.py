"""One cell in a process of its own: ``had bench`` starts it, hands it a job, and reads what it says.

The job is one line of JSON on standard input; each line on standard output is a JSON message:
``{"progress": [label, fraction]}``, and in the end ``{"outcome": ..., "cost": ...}`` or ``{"error": line}``.
"""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

ROC_POINTS = 300
_EVERY = 0.1  # seconds between two messages of progress


def main() -> None:
    """Run the job on standard input."""
    voice = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints must not stand between the messages
    job = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()

    def say(**message: Any) -> None:
        voice.write(json.dumps(message, allow_nan=False) + "\n")
        voice.flush()

    try:
        outcome, cost = run(job, _throttled(say))
    except Exception as error:  # noqa: BLE001 - any failure of a method is a failure of its cell alone
        import traceback

        from had_cli.errors import message

        traceback.print_exception(error)
        say(error=message(error))
    else:
        say(outcome=outcome, cost=cost)


def run(job: dict[str, Any], progress: Callable[[str, float], None]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what came of the job's scene and method, and what it cost.

    Time and memory are those of detection: opening the scene comes before, judging the map after.

    Raises
    ------
    HadError
        When the data or the run fails.
    """
    from had_cli.bench.memory import peak_device_memory, peak_memory
    from had_cli.bench.trained import trained_here
    from had_cli.bench.truths import TruthFile
    from had_cli.detection.detect import detect
    from had_cli.errors import SceneError
    from had_cli.plugin import host
    from had_cli.results.metrics.evaluation import evaluate, json_value
    from had_cli.scenes.open import open_scene
    from had_cli.weights.chosen import weights_for

    options = dict(job["open"])
    truth_variable = options.pop("truth_variable")
    file = None if job["truth"] is None else TruthFile(**job["truth"])
    with open_scene(job["scene"], truth_variable=None if file else truth_variable, **options) as scene:
        truth = scene.truth if file is None else file.load(scene, truth_variable)
        if truth is None:
            raise SceneError(f"{job['scene']}: its truth is gone; start the bench again")
        # judged below, out of the measurement
        scene.source.info = dataclasses.replace(scene.source.info, truth=None)
        weights = weights_for(host.method(job["method"]), job["weights"])
        before = peak_memory()
        detection = detect(
            scene, job["method"], weights=weights, **job["run"], progress=progress, **job["parameters"]
        )
        cost = {
            "seconds": detection.seconds,
            "peak_memory": peak_memory(),
            "memory_before": before,
            "device_memory": peak_device_memory(detection.device),
            "device": detection.device,
            "engine": detection.engine,
        }
        evaluation = evaluate(detection.scores, truth)
        detected = detection.to_json()
        if job["map"] is not None:
            detection.save(job["map"], overwrite=True)
        known = trained_here(scene, weights)
    judged = evaluation.to_json(roc_points=ROC_POINTS)
    outcome = {
        **{name: detected[name] for name in ("rows", "cols", "bands", "bands_used", "valid_pixels", "facts")},
        **{name: judged[name] for name in ("metrics", "pixels", "f1_threshold", "separability", "roc")},
        "warnings": [*detected["warnings"], *judged["warnings"]],
        "trained_on": known,
    }
    return json_value(outcome), cost


def _throttled(say: Callable[..., None]) -> Callable[[str, float], None]:
    last: list[Any] = [None, 0.0]

    def progress(label: str, fraction: float) -> None:
        now = time.monotonic()
        if label != last[0] or now - last[1] > _EVERY:
            last[:] = label, now
            say(progress=[label, fraction])

    return progress


def _end_with_parent() -> None:
    """End when standard input does: a bench that was killed leaves no process behind."""
    while os.read(0, 4096):
        pass
    os._exit(1)
