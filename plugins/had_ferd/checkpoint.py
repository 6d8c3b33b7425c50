"""The state of a training in one safetensors file, replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from had_cli.plugin import UsageError, WeightsError

FILE = "training.safetensors"
KEY = "training"  # our JSON in the metadata of safetensors
_FIRST, _SECOND, _STEP = "exp_avg", "exp_avg_sq", "step"  # what Adam remembers of a parameter


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


def save_state(
    folder: Path,
    module: torch.nn.Module,
    adam: torch.optim.Adam,
    best: Mapping[str, Tensor],
    facts: Mapping[str, Any],
) -> None:
    """Write the trained tensors, Adam's memory and the best tensors so far.

    A process that is killed leaves either the state before or the state after.
    """
    from safetensors.torch import save_file

    tensors = {f"module.{name}": tensor for name, tensor in _trained(module).items()}
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    for name, parameter in _parameters(module).items():
        for part, tensor in adam.state[parameter].items():
            tensors[f"adam.{part}.{name}"] = tensor
    temporary = folder / f".{FILE}.part"
    save_file(
        {n: t.detach().contiguous() for n, t in tensors.items()}, temporary, {KEY: json.dumps(dict(facts))}
    )
    temporary.replace(folder / FILE)


def load_state(
    folder: Path, module: torch.nn.Module, adam: torch.optim.Adam, identity: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Put module and optimiser back into the state saved; return the best tensors and the facts.

    ``identity`` must equal what was saved as ``facts["identity"]``: continuing with other scenes or
    parameters would be no training that could be repeated.

    Raises
    ------
    WeightsError
        When there is no state, it is damaged, or of another training.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        raise WeightsError(f"{folder}: holds no training to resume; leave --resume out to begin one")
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise WeightsError(f"{path}: damaged, it cannot be resumed; begin again in another folder") from error
    saved = facts["identity"]
    if saved != identity:
        differs = sorted(key for key in {*saved, *identity} if saved.get(key) != identity.get(key))
        raise WeightsError(f"{path}: is of a training with other {', '.join(differs)}; resume with the same")
    with torch.no_grad():
        for name, tensor in _trained(module).items():
            tensor.copy_(tensors[f"module.{name}"])
        for name, parameter in _parameters(module).items():
            # as Adam would have made them, layout in memory included: it decides about rounding
            state = {
                part: torch.zeros_like(parameter).copy_(tensors[f"adam.{part}.{name}"])
                for part in (_FIRST, _SECOND)
            }
            adam.state[parameter] = {_STEP: tensors[f"adam.{_STEP}.{name}"], **state}
    best = {name.removeprefix("best."): t for name, t in tensors.items() if name.startswith("best.")}
    return best, facts


def _parameters(module: torch.nn.Module) -> dict[str, torch.nn.Parameter]:
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def _trained(module: torch.nn.Module) -> dict[str, Tensor]:
    """Return all that training changes: parameters and the statistics of batch norm."""
    frozen = {name for name, p in module.named_parameters() if not p.requires_grad}
    prefixes = {name.split(".")[0] for name in frozen}
    return {n: t for n, t in module.state_dict().items() if n.split(".")[0] not in prefixes}
