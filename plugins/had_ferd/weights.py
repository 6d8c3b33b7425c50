"""FEN in a weights file and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from had_cli.plugin import BandGrid, Weights, WeightsError, check_names
from had_ferd.drawn import leave_out, put_back
from had_ferd.fen import SCALE, Fen
from had_ferd.network import Encoder, initialise

NORMALISATION = {"kind": "global extrema", "low": -SCALE, "high": SCALE}


def to_weights(fen: Fen, grid: BandGrid, **header: Any) -> Weights:
    """Return the weights of a network for spectra on ``grid``; ``header`` adds to theirs.

    An encoder drawn by the seed that ``header["backbone"]`` names is not stored
    (:mod:`had_ferd.drawn`).
    """
    tensors = {name: tensor.detach().cpu() for name, tensor in fen.state_dict().items()}
    if "backbone" in header:
        tensors, header["backbone"] = leave_out(tensors, header["backbone"], drawn_encoder)
    return Weights(
        method="ferd",
        tensors={name: tensor.numpy() for name, tensor in tensors.items()},
        header={**grid.header(), "normalisation": NORMALISATION, **header},
    )


def from_weights(weights: Weights) -> tuple[Fen, BandGrid]:
    """Return the network and the bands it works on.

    Raises
    ------
    WeightsError
        When a tensor is missing, of another shape, not finite, or none of the network's, or a random
        encoder cannot be drawn again.
    """
    grid = BandGrid.from_header(weights.header)
    fen = Fen(grid.bands)
    tensors = {name: torch.as_tensor(np.asarray(t)) for name, t in weights.tensors.items()}
    load_state(fen, put_back(tensors, weights.header.get("backbone"), drawn_encoder), "--weights")
    return fen, grid


def drawn_encoder(seed: int) -> dict[str, torch.Tensor]:
    """Return the tensors of FEN's random encoder, which is the first stage of a random teacher."""
    encoder = Encoder(stages=1)
    initialise(encoder, torch.Generator().manual_seed(seed))
    return {f"encoder.{name}": tensor for name, tensor in encoder.state_dict().items()}


def load_state(
    module: torch.nn.Module, state: Mapping[str, Any], path: str | Path, method: str = "ferd"
) -> None:
    """Load tensors by name; ``path`` says in errors where they come from.

    Raises
    ------
    WeightsError
        When one is missing, of another shape, not finite, or not the module's.
    """
    tensors = {name: t for name, t in state.items() if isinstance(t, torch.Tensor)}
    check_names(path, method, tensors, module.state_dict())
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsError(f"{path}: tensor {name!r} holds values that are not finite; copy it again")
    module.load_state_dict(tensors)
