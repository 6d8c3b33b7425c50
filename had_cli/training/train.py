"""Training: from scenes to a weights file, by the method's own ``train``."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from had_cli._version import __version__
from had_cli.detection.parameters import check_params
from had_cli.engine.devices import choose_device
from had_cli.errors import HadError, PluginError, UsageError
from had_cli.files import refuse_existing, refuse_url
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method
from had_cli.scenes.constant import without_constant
from had_cli.scenes.fingerprint import scene_hash
from had_cli.scenes.folders import training_scenes
from had_cli.scenes.inputs import refuse_inputs
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene
from had_cli.training.job import Progress, TrainingJob
from had_cli.weights.file import Weights
from had_cli.weights.probe import probed

HASHED_ROWS = 64  # read at a time; the hash does not depend on it


def train(
    scenes: Sequence[Scene | str | Path],
    method: str,
    output: str | Path,
    *,
    device: str = "auto",
    seed: int = 0,
    overwrite: bool = False,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    keep_constant_bands: bool = False,
    progress: Progress | None = None,
    warn: Callable[[str], None] | None = None,
    **params: Any,
) -> Weights:
    """Train ``method`` on ``scenes``, save the weights to ``output`` and return them.

    Parameters
    ----------
    scenes
        Scenes, paths, or folders of scenes (:func:`had_cli.scenes.folders.training_scenes`).
    keep_constant_bands
        Bands that hold one value everywhere, or none, take part as well; by default they are left out, with
        a warning, of all scenes that have the same bands.
    params
        The method's parameters of training.

    Raises
    ------
    PluginError
        When the method needs no training or breaks its contract.
    UsageError
        When a parameter is unknown or out of range.
    HadError
        When data or training fail; nothing is written then.
    """
    description, entry = trainable(method)
    values = check_params(description, params, training=True)
    path, folder = Path(output), None if checkpoint is None else Path(checkpoint)
    refuse_existing(path, overwrite=overwrite)
    if resume and folder is None:
        raise UsageError("--resume needs the folder to resume from: --checkpoint FOLDER")
    if not scenes:
        raise UsageError("training needs at least one scene")
    opened: list[Scene] = []
    for scene in scenes:
        opened += [scene] if isinstance(scene, Scene) else map(open_scene, training_scenes([scene]))
    refuse_inputs(path, [("a scene of the training", scene.path) for scene in opened])
    function = host.resolve(entry)
    device = choose_device(device)
    if folder is not None:
        refuse_url(folder)
        folder.mkdir(parents=True, exist_ok=True)
    warnings: list[str] = []

    def remember(line: str) -> None:
        warnings.append(line)
        if warn is not None:
            warn(line)

    if not keep_constant_bands:
        opened, lines = without_constant(opened)
        for line in lines:
            remember(line)
    job = TrainingJob(
        scenes=opened,
        device=device,
        seed=seed,
        output=path,
        checkpoint=folder,
        resume=resume,
        progress=progress or _silent,
        warn=remember,
    )
    weights = function(job, SimpleNamespace(**values))
    if not isinstance(weights, Weights) or weights.method != method:
        raise HadError(
            f"training of {method} returned no weights of {method}; this is an error in its plugin"
        )
    # what the host knows for sure goes over what the method says of itself
    weights = replace(weights, header={**weights.header, **_history(job, method, values)})
    header = probed(weights, remember)
    return replace(weights, header={**header, "warnings": warnings}).save(path, overwrite=overwrite)


def trainable(method: str) -> tuple[Method, str]:
    """Return a method and the reference to its training.

    Raises
    ------
    PluginError
        When it does not exist or needs no training.
    """
    description = host.method(method)
    if description.train is None:
        raise PluginError(f"{method} needs no training; had detect -m {method} runs at once")
    return description, description.train


def _history(job: TrainingJob, method: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # of a file its name: where it lay on this machine says nothing about the weights
        "parameters": {k: v.name if isinstance(v, Path) else v for k, v in values.items()},
        "scenes": [{"name": scene.name, "sha256": scene_hash(scene)} for scene in job.scenes],
        "seed": job.seed,
        "device": job.device,
        "versions": _versions(method),
    }


def _versions(method: str) -> dict[str, str]:
    versions = {"had": __version__, "python": platform.python_version(), "numpy": np.__version__}
    if "torch" in sys.modules:
        versions["torch"] = str(sys.modules["torch"].__version__)
    owner = next((p for p in host.plugins() if method in {m.name for m in p.offer.methods}), None)
    return versions if owner is None else {owner.distribution: owner.version, **versions}


def _silent(label: str, fraction: float, **numbers: float) -> None:
    """Report to nobody."""
