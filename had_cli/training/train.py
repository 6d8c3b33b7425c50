"""Training: from scenes to a weights file, by the method's own ``train``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from had_cli.detection.parameters import check_params
from had_cli.engine.devices import choose_device
from had_cli.errors import HadError, PluginError, UsageError, WeightsError
from had_cli.files import refuse_existing, refuse_url
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method
from had_cli.publishing.scratch import sweep
from had_cli.scenes.constant import without_constant
from had_cli.scenes.fingerprint import scene_hash
from had_cli.scenes.folders import training_scenes
from had_cli.scenes.inputs import refuse_inputs
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene
from had_cli.training.checkpoint import refuse_existing_state
from had_cli.training.job import Progress, TrainingJob
from had_cli.training.logs import check_logs
from had_cli.training.versions import versions
from had_cli.weights.chosen import weights_for
from had_cli.weights.file import Weights, load_weights
from had_cli.weights.probe import probed


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
    log_file: str | Path | None = None,
    tensorboard: str | Path | None = None,
    from_weights: str | Path | Weights | None = None,
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
    checkpoint
        Folder that keeps the state of the training.
    resume
        Continue from that state; begin where there is none yet. Weights of this very training at
        ``output`` are left as they are and returned.
    log_file
        File for the numbers of every epoch: JSON lines, or CSV where its name ends in ``.csv``.
    tensorboard
        Folder for the same as TensorBoard's events.
    from_weights
        Weights of the method, a file or a name, that the training begins from.
    params
        The method's parameters of training.

    Raises
    ------
    PluginError
        When the method needs no training or breaks its contract.
    UsageError
        When a parameter is unknown or out of range, or the method cannot begin from weights.
    HadError
        When data or training fail; nothing is written then.
    """
    description, entry = trainable(method)
    values = check_params(description, params, training=True)
    path, (folder, log, events) = Path(output), map(_path, (checkpoint, log_file, tensorboard))
    ready = _check_files(path, folder, overwrite=overwrite, resume=resume)
    check_logs(log, events, resume=resume)
    start = _start(description, from_weights)
    opened = _opened(scenes)
    refuse_inputs(path, [("a scene of the training", scene.path) for scene in opened])
    function = host.resolve(entry)
    device = choose_device(device)
    warnings: list[str] = []
    ended: dict[str, Any] = {}

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
        record=ended.update,
        log_file=log,
        tensorboard=events,
        start=start,
    )
    if ready:
        return _weights_of(job, method, values)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    weights = function(job, SimpleNamespace(**values))
    if not isinstance(weights, Weights) or weights.method != method:
        raise HadError(
            f"training of {method} returned no weights of {method}; this is an error in its plugin"
        )
    if log is not None and not log.exists():
        remember(f"{method} does not train by the loop of had: {log} was not written")
    # what the host knows for sure goes over what the method says of itself
    weights = replace(weights, header={**weights.header, **_history(job, method, values), **ended})
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


def _start(method: Method, given: str | Path | Weights | None) -> Weights | None:
    """Return the weights to begin from.

    Raises
    ------
    UsageError
        When the method would not look at them.
    """
    if given is None:
        return None
    if not method.continues:
        known = ", ".join(sorted(m.name for m in host.methods().values() if m.continues))
        raise UsageError(f"{method.name} cannot begin from weights; leave --from out. These can: {known}")
    return weights_for(method, given)


def _history(job: TrainingJob, method: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        # of a file its name: where it lay on this machine says nothing about the weights
        "parameters": {k: v.name if isinstance(v, Path) else v for k, v in values.items()},
        "scenes": [{"name": scene.name, "sha256": scene_hash(scene)} for scene in job.scenes],
        "seed": job.seed,
        "device": job.device,
        "versions": versions(method),
        **({} if job.start is None else {"begun_from": job.start.hash}),
    }


def _check_files(path: Path, folder: Path | None, *, overwrite: bool, resume: bool) -> bool:
    """Check before any work what will be written; return whether the weights may be there already."""
    if resume and folder is None:
        raise UsageError("--resume needs the folder to resume from: --checkpoint FOLDER")
    if resume and not overwrite:
        sweep(path.parent)  # this training may have been killed as the weights took their place
        if path.is_file():
            return True
    refuse_existing(path, overwrite=overwrite)
    if folder is not None:
        refuse_url(folder)
        if not resume:
            refuse_existing_state(folder)
    return False


def _opened(scenes: Sequence[Scene | str | Path]) -> list[Scene]:
    if not scenes:
        raise UsageError("training needs at least one scene")
    opened: list[Scene] = []
    for scene in scenes:
        opened += [scene] if isinstance(scene, Scene) else map(open_scene, training_scenes([scene]))
    return opened


def _weights_of(job: TrainingJob, method: str, values: Mapping[str, Any]) -> Weights:
    """Return the weights at the output, which this training wrote before it was killed, or refuse them."""
    try:
        weights = load_weights(job.output, method=method)
    except WeightsError:
        refuse_existing(job.output, overwrite=False)
        raise
    expected = json.loads(json.dumps(_history(job, method, values)))
    expected.pop("device")  # it may have ended on another
    if expected != {name: weights.header.get(name) for name in expected}:
        refuse_existing(job.output, overwrite=False)
    return weights


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


def _silent(label: str, fraction: float, **numbers: float) -> None:
    """Report to nobody."""
