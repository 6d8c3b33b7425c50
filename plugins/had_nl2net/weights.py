"""The network as weights, and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from had_cli.plugin import Weights, WeightsError, check_names
from had_nl2net import COMPONENTS, CUBE
from had_nl2net.network import NL2Net

_FIRST = "head.0.weight"  # channels x bands x 1 x 1
_BLOCK = re.compile(r"local_branch\.\d+\.body\.0\.weight")


def tensors_of(network: NL2Net) -> dict[str, npt.NDArray[Any]]:
    """Return the parameters by name."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in network.state_dict().items()}


def network_of(tensors: Mapping[str, npt.NDArray[Any]], factor: int, *, name: str) -> NL2Net:
    """Return the network with these parameters; width and depth are read from their shapes.

    Raises
    ------
    WeightsError
        When they are not those of a network; ``name`` says whose they are.
    """
    first = tensors.get(_FIRST)
    if first is None or first.ndim != 4 or first.shape[0] < 2 or not first.shape[1]:
        raise WeightsError(f"{name}: lacks the tensor {_FIRST!r}; it is no network of nl2net")
    channels, bands = first.shape[:2]
    blocks = sum(1 for key in tensors if _BLOCK.fullmatch(key))
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn, and overwritten
        network = NL2Net(bands, factor, channels, blocks)
    check_names(name, "nl2net", tensors, network.state_dict())
    network.load_state_dict({key: torch.tensor(np.asarray(array)) for key, array in tensors.items()})
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def known_of(weights: Weights) -> dict[str, Any]:
    """Return what the header says of the network; its factor is None where it was imported.

    Raises
    ------
    WeightsError
        When the header says nothing, or nothing that can be.
    """
    known = weights.header.get("network")
    if not isinstance(known, dict):
        raise WeightsError("weights of nl2net: the header does not describe a network; train them again")
    for name, least, most in (("factor", 1, 16), ("tile_size", 48, 8192), ("components", 1, 1024)):
        value = known.get(name)
        if value is None and name != "tile_size":
            continue
        if not isinstance(value, int) or not least <= value <= most:
            raise WeightsError(f"weights of nl2net: {name} is {value!r}, not {least} to {most}; train again")
    if known.get("input", CUBE) not in (COMPONENTS, CUBE):
        raise WeightsError(f"weights of nl2net: input is {known['input']!r}, which this had does not know")
    return known


def load_network(weights: Weights, channels: int, factor: int) -> NL2Net:
    """Return the network of ``weights`` for a scene that is shown in so many channels.

    Raises
    ------
    WeightsError
        When the weights are damaged or of another number of channels.
    """
    network = network_of(weights.tensors, factor, name="weights of nl2net")
    if network.bands != channels:
        raise WeightsError(
            f"the weights are of a network for {network.bands} bands or components, and the scene has "
            f"{channels}; train on this scene, or choose bands with --bands"
        )
    return network
