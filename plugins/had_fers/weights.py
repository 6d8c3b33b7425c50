"""Both networks of FERS in one weights file, and out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from had_cli.plugin import BandGrid, Weights, WeightsError
from had_ferd.drawn import leave_out, put_back
from had_ferd.fen import Fen
from had_ferd.network import initialise
from had_ferd.weights import from_weights as ferd_from_weights
from had_ferd.weights import load_state
from had_fers.resnet import backbone as resnet
from had_fers.spatial import SpatialNetwork

TEACHER, STUDENT = "fen.", "spatial."  # how the names of their tensors begin
COUNTER = "num_batches_tracked"  # of batch norm; nothing uses it


def to_weights(teacher: Weights, network: SpatialNetwork, **header: Any) -> Weights:
    """Return the weights of both networks.

    Parameters
    ----------
    teacher
        FERD's; its header is kept as ``teacher``.
    header
        Adds to the header. A random backbone named in it as ``backbone`` is not stored, but for the
        statistics of its batch norm (:mod:`had_ferd.drawn`).
    """
    own = dict(teacher.header)
    common = {key: own.pop(key) for key in ("bands", "wavelengths", "normalisation")}
    tensors = {n: t.detach().cpu() for n, t in network.state_dict().items() if not n.endswith(COUNTER)}
    if "backbone" in header:
        tensors, header["backbone"] = leave_out(tensors, header["backbone"], drawn_backbone)
    return Weights(
        method="fers",
        tensors={
            **{TEACHER + name: tensor for name, tensor in teacher.tensors.items()},
            **{STUDENT + name: tensor.contiguous().numpy() for name, tensor in tensors.items()},
        },
        header={**common, "teacher": own, **header},
    )


def from_weights(weights: Weights) -> tuple[Fen, SpatialNetwork, BandGrid]:
    """Return both networks and the bands they work on.

    Raises
    ------
    WeightsError
        When a tensor is missing, of another shape, not finite, or none of the networks', or a random
        backbone cannot be drawn again.
    """
    fen, grid = ferd_from_weights(teacher_of(weights))
    network = SpatialNetwork(grid.bands)
    tensors = {n: torch.as_tensor(np.asarray(t)) for n, t in _part(weights, STUDENT).items()}
    tensors = put_back(tensors, weights.header.get("backbone"), drawn_backbone)
    counters = {n: t for n, t in network.state_dict().items() if n.endswith(COUNTER)}
    load_state(network, {**counters, **tensors}, "--weights", "fers")
    return fen, network, grid


def teacher_of(weights: Weights) -> Weights:
    """Return FERD's part as weights of ``ferd``.

    Raises
    ------
    WeightsError
        When there is none.
    """
    own = weights.header.get("teacher")
    tensors = _part(weights, TEACHER)
    if (
        not isinstance(own, dict)
        or not tensors
        or len(tensors) + len(_part(weights, STUDENT)) != len(weights.tensors)
    ):
        raise WeightsError("--weights: these do not hold the two networks of fers; they are damaged")
    common = {key: weights.header.get(key) for key in ("bands", "wavelengths", "normalisation")}
    return Weights(method="ferd", tensors=tensors, header={**own, **common})


def drawn_backbone(seed: int) -> dict[str, torch.Tensor]:
    """Return the parameters of the random ResNet; the statistics of its batch norm are not among them."""
    network = resnet()
    initialise(network, torch.Generator().manual_seed(seed))
    return {f"get_features.{name}": tensor.detach() for name, tensor in network.named_parameters()}


def _part(weights: Weights, prefix: str) -> dict[str, Any]:
    return {n.removeprefix(prefix): t for n, t in weights.tensors.items() if n.startswith(prefix)}
