"""Statistics of the scenes of a training, by the engine that detection uses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from had_cli.engine.executor import Executor
from had_cli.engine.memory import memory_budget
from had_cli.engine.run import Reduction, Run
from had_cli.scenes.scene import Scene
from had_cli.training.job import TrainingJob

T = TypeVar("T")


def scene_runs(job: TrainingJob, *, label: str = "statistics") -> Iterator[tuple[Scene, Run]]:
    """Yield each scene of the job with a run over it, for reductions and samples.

    A run reads its scene block by block on the CPU, and is closed when the next is asked for.
    """
    for number, scene in enumerate(job.scenes):
        job.progress(label, number / len(job.scenes))
        with Executor(scene, stream=True, memory=memory_budget(None)) as run:
            yield scene, run
    job.progress(label, 1.0)


def statistics(job: TrainingJob, reduction: Reduction[T]) -> list[T]:
    """Return the reduction of the valid pixels of each scene of the job.

    Raises
    ------
    SceneError
        When a scene has no valid pixel.
    """
    return [run.reduce(reduction) for _, run in scene_runs(job)]
