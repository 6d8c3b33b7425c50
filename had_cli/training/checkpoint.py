"""The state of a training in one file, replaced as a whole, and compared before it is taken."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from had_cli.errors import UsageError, WeightsError
from had_cli.files import write_whole
from had_cli.foreign.texts import parse_json
from had_cli.publishing.scratch import sweep
from had_cli.scenes.fingerprint import scene_hash
from had_cli.training.job import TrainingJob
from had_cli.training.versions import versions
from had_cli.weights.importing import read_checkpoint

if TYPE_CHECKING:
    from had_cli.training.plan import TrainingPlan  # which needs torch

FILE = "training.ckpt"


def refuse_existing_state(folder: Path) -> None:
    """Check that no training would be lost.

    Raises
    ------
    UsageError
        When the folder holds the state of one.
    """
    if (folder / FILE).exists():
        raise UsageError(
            f"{folder}: holds a training already; give --resume to continue it, or another folder"
        )


def identity_of(job: TrainingJob, plan: TrainingPlan) -> dict[str, Any]:
    """Return all that decides the result of a training, as JSON values; the device is not among it."""
    known = versions(plan.method)
    known.pop("python")  # computes nothing here
    identity = {
        "method": plan.method,
        "parameters": dict(plan.parameters),
        "seed": job.seed,
        "bands": None if plan.grid is None else plan.grid.header(),
        "versions": known,
        "scenes": [scene_hash(scene) for scene in job.scenes],
        **plan.identity,
        **({} if job.start is None else {"weights to begin from": job.start.hash}),
    }
    plain: dict[str, Any] = json.loads(json.dumps(identity, default=str))
    return plain


def save_state(folder: Path, identity: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Write tensors and plain containers; a process that is killed leaves the state before or this one.

    Raises
    ------
    OutputError
        When the file cannot be written.
    """
    import torch

    content = io.BytesIO()
    torch.save(_unshared({"identity": json.dumps(identity), **state}), content)
    write_whole(folder / FILE, content.getvalue(), overwrite=True)


def load_state(
    folder: Path, identity: Mapping[str, Any], restore: Callable[[Mapping[str, Any]], None]
) -> bool:
    """Call ``restore`` with the state in the folder; return False where there is none yet.

    Nothing in the file is executed.

    Raises
    ------
    WeightsError
        When the state is damaged, or of another training: to continue with other scenes or parameters
        would be no training that could be repeated.
    """
    sweep(folder)  # a training that was killed in its last epoch has nothing to write here any more
    path = folder / FILE
    if not path.exists():
        return False
    damaged = f"{path}: damaged, it cannot be resumed; begin again in another folder"
    try:
        state = read_checkpoint(path)
        found = parse_json(state["identity"], finite=False)
        differs = _differences(found, identity)
    except (WeightsError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise WeightsError(damaged) from error
    if differs:
        raise WeightsError(f"{path}: is of a training with other {', '.join(differs)}; resume with the same")
    try:
        restore(state)
    except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise WeightsError(damaged) from error
    return True


def _unshared(value: Any) -> Any:
    """Return containers anew, and equal texts as one.

    A file says which of its objects are the same one. Without this, a training that was resumed would
    write what was loaded beside what is new otherwise than one that was not.
    """
    if isinstance(value, str):
        return sys.intern(value)
    if isinstance(value, Mapping):
        return {_unshared(key): _unshared(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_unshared(part) for part in value)
    return value


def _differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    differs = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if "parameters" in differs:
        old, new = found.get("parameters") or {}, wanted.get("parameters") or {}
        options = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        named = ", ".join("--" + name.replace("_", "-") for name in options)
        differs[differs.index("parameters")] = f"parameters ({named})"
    return differs
