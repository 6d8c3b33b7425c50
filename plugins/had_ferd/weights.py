"""FEN in a weights file and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from had_cli.bands import BandGrid
from had_cli.errors import WeightsError
from had_cli.importing import check_names
from had_cli.weights import Weights
from had_ferd.fen import SCALE, Fen

NORMALISATION = {"kind": "global extrema", "low": -SCALE, "high": SCALE}


def to_weights(fen: Fen, grid: BandGrid, **header: Any) -> Weights:
    """Return the weights of a network for spectra on ``grid``; ``header`` adds to theirs."""
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in fen.state_dict().items()}
    return Weights(
        method="ferd", tensors=tensors, header={**grid.header(), "normalisation": NORMALISATION, **header}
    )


def from_weights(weights: Weights) -> tuple[Fen, BandGrid]:
    """Return the network and the bands it works on.

    Raises
    ------
    WeightsError
        When a tensor is missing, of another shape, not finite, or none of the network's.
    """
    grid = BandGrid.from_header(weights.header)
    fen = Fen(grid.bands)
    load_state(
        fen, {name: torch.as_tensor(np.asarray(t)) for name, t in weights.tensors.items()}, "--weights"
    )
    return fen, grid


def load_state(module: torch.nn.Module, state: Mapping[str, Any], path: str | Path) -> None:
    """Load tensors by name; ``path`` says in errors where they come from.

    Raises
    ------
    WeightsError
        When one is missing, of another shape, not finite, or not the module's.
    """
    tensors = {name: t for name, t in state.items() if isinstance(t, torch.Tensor)}
    check_names(path, "ferd", tensors, module.state_dict())
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsError(f"{path}: tensor {name!r} holds values that are not finite; copy it again")
    module.load_state_dict(tensors)
