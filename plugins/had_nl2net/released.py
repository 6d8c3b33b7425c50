"""Weights of the released system: ``NL2Net_<dataset>_<epoch>.pkl``, a plain state dict."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Weights, WeightsError, read_state_dict
from had_nl2net import DEFAULTS
from had_nl2net.weights import network_of, tensors_of

FACTOR = 2  # of the released system, unless told otherwise; the file does not say
_BRANCHES = {"branch1": "local_branch", "branch2": "nonlocal_branch"}
_CONVOLUTIONS = {"conv1": "body.0", "conv2": "body.2", "conv3": "body.4"}
_NAME = re.compile(r"(branch[12])\.body\.(\d+)\.(.+)")


def import_weights(path: Path) -> Weights:
    """Return the weights in a released state dict.

    Raises
    ------
    WeightsError
        When the file is damaged, holds code, or is not a network of NL2Net.
    """
    released = read_state_dict(path)
    tensors = {}
    for name, array in released.items():
        if name.endswith(".mask"):
            _check_mask(path, name, array)
        else:
            tensors[public_name(name)] = array.astype(np.float32)
    network = network_of(tensors, FACTOR, name=str(path))
    header = {
        "network": {
            "bands": network.bands,
            "channels": network.channels,
            "blocks": network.blocks,
            "factor": None,
            "tile_size": DEFAULTS["tile_size"],
        },
        "bands": network.bands,
        "wavelengths": None,
        "normalisation": "the scene's own extremes to [0, 1]",
        "warnings": [f"a released file does not tell its factor; {FACTOR} is taken, or give --factor"],
    }
    return Weights(method="nl2net", tensors=tensors_of(network), header=header)


def public_name(released: str) -> str:
    """Return our name of a released parameter."""
    match = _NAME.fullmatch(released)
    if match is None:
        return released  # head and tail
    branch, number, rest = match.groups()
    first, _, last = rest.partition(".")
    if first == "wqk":
        rest = "attention.wqk"
    elif first in _CONVOLUTIONS:
        rest = f"{_CONVOLUTIONS[first]}.{last}"
    return f"{_BRANCHES[branch]}.{number}.{rest}"


def _check_mask(path: Path, name: str, mask: npt.NDArray[Any]) -> None:
    """Check that a released mask is the ring that the network has."""
    ring = np.ones((5, 5), mask.dtype)
    ring[1:-1, 1:-1] = 0
    if mask.ndim != 4 or mask.shape[2:] != ring.shape or not (mask == ring).all():
        raise WeightsError(f"{path}: {name!r} is not the outer ring of a 5 x 5 window")
