"""The state of a training in one safetensors file, replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from had_cli.plugin import UsageError, WeightsError, write_whole
from had_tdd.learning import Learning

FILE = "tdd-training.safetensors"
KEY = "training"  # our JSON in the metadata of safetensors


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
    folder: Path, learning: Learning, best: Mapping[str, Tensor], facts: Mapping[str, Any]
) -> None:
    """Write the networks, what Adam remembers and the best network so far, in one file.

    A process that is killed leaves either the state before or the state after.
    """
    from safetensors.torch import save

    tensors = {
        f"{part}.{name}": t for part, state in _networks(learning).items() for name, t in state.items()
    }
    tensors |= {f"best.{name}": tensor for name, tensor in best.items()}
    for name, parameter in learning.network.named_parameters():
        for part, tensor in learning.adam.state[parameter].items():
            tensors[f"adam.{name}.{part}"] = tensor
    plain = {name: t.detach().cpu().contiguous().clone() for name, t in tensors.items()}
    write_whole(folder / FILE, save(plain, {KEY: json.dumps(dict(facts))}), overwrite=True)


def load_state(
    folder: Path, learning: Learning, identity: Mapping[str, Any]
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Put a training back into the state saved; return the best network and the facts.

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
        for part, state in _networks(learning).items():
            for name, tensor in state.items():
                tensor.copy_(tensors[f"{part}.{name}"])
        for name, parameter in learning.network.named_parameters():
            # as Adam would have made them, layout in memory included: it decides about rounding
            learning.adam.state[parameter] = {
                "step": tensors[f"adam.{name}.step"],
                **{
                    part: torch.zeros_like(parameter).copy_(tensors[f"adam.{name}.{part}"])
                    for part in ("exp_avg", "exp_avg_sq")
                },
            }
    learning.step = facts["step"]
    best = {name.removeprefix("best."): t for name, t in tensors.items() if name.startswith("best.")}
    return best, facts


def _networks(learning: Learning) -> dict[str, dict[str, Tensor]]:
    found = {"network": learning.network.state_dict()}
    return found | ({"averaged": learning.averaged.state_dict()} if learning.rates.average else {})
