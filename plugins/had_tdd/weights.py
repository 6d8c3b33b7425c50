"""TDD's network in a weights file and out of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from had_cli.plugin import BandGrid, Weights, WeightsError, check_names
from had_tdd.attention import FORMS
from had_tdd.evidence import NAMES
from had_tdd.maps_network import MapsNetwork
from had_tdd.network import STEP, Tdd
from had_tdd.normalising import Normalisation

METHOD = "tdd"
MAPS = "maps"
LARGEST_INPUT, WIDEST, WIDEST_MAPS = 4096, 4, 1024
NO_NETWORK = "the header of these weights describes no network of tdd; train or import again"


@dataclass(frozen=True)
class Model:
    """A trained network and what it wants to see.

    Attributes
    ----------
    network : in inference mode, on the CPU
    grid : the bands that spectra are resampled to
    normalisation : from spectra on the grid to the network's input
    input_size : side of the network's input in pixels
    tile : side in pixels of the scene of what was enlarged to it in training, or None where not known
    """

    network: Tdd
    grid: BandGrid
    normalisation: Normalisation
    input_size: int
    tile: int | None

    def weights(self, *, half: bool = False, **header: Any) -> Weights:
        """Return it as weights; ``half`` stores 16 bits a number, ``header`` adds to the header."""
        kind = np.float16 if half else np.float32
        tensors = {name: t.detach().cpu().numpy() for name, t in self.network.state_dict().items()}
        tensors = {name: t.astype(kind) if t.dtype.kind == "f" else t for name, t in tensors.items()}
        network = {
            "width": self.network.width,
            "attention": self.network.attention,
            "prior": self.network.prior is not None,
        }
        description = {
            **self.grid.header(),
            "network": {**network, "input_size": self.input_size, "tile": self.tile},
            "normalisation": self.normalisation.header(),
        }
        return Weights(method=METHOD, tensors=tensors, header={**description, **header})


def maps_weights(network: MapsNetwork, **header: Any) -> Weights:
    """Return a network over maps as weights; ``header`` adds to the header."""
    tensors = {name: t.detach().cpu().numpy() for name, t in network.state_dict().items()}
    description = {"bands": "any", "network": {"kind": MAPS, "width": network.width}, "maps": list(NAMES)}
    return Weights(method=METHOD, tensors=tensors, header={**description, **header})


def maps_network(weights: Weights) -> MapsNetwork | None:
    """Return the network over maps in weights, or None where they hold the published kind.

    Raises
    ------
    WeightsError
        When the header names other maps, or a tensor is missing, of another shape or not finite.
    """
    known: Any = weights.header.get("network")
    if not isinstance(known, Mapping) or known.get("kind") != MAPS:
        return None
    width = known.get("width")
    if (
        weights.header.get("maps") != list(NAMES)
        or not isinstance(width, int)
        or not 0 < width <= WIDEST_MAPS
    ):
        raise WeightsError(NO_NETWORK)
    network = MapsNetwork(width)
    tensors = {name: torch.tensor(np.asarray(t)).float() for name, t in weights.tensors.items()}
    _check(tensors, network.state_dict(), "weights of tdd")
    network.load_state_dict(tensors)
    return network.requires_grad_(requires_grad=False).eval()


def from_weights(weights: Weights) -> Model:
    """Return the model of a weights file.

    Raises
    ------
    WeightsError
        When the header describes no network, or a tensor is missing, of another shape, not finite, or
        none of the network's.
    """
    grid = BandGrid.from_header(weights.header)
    normalisation = Normalisation.from_header(weights.header)
    shape, size, tile = _known(weights.header)
    tensors = {name: torch.as_tensor(np.asarray(t)) for name, t in weights.tensors.items()}
    network = load_network(
        tensors,
        channels=normalisation.channels(grid.bands),
        shape=shape,
        path="weights of tdd",
    )
    return Model(network, grid, normalisation, size, tile)


def load_network(
    tensors: Mapping[str, torch.Tensor], *, channels: int, shape: Mapping[str, Any], path: str | Path
) -> Tdd:
    """Return the network of that shape with these tensors, in single precision and in inference mode.

    Raises
    ------
    WeightsError
        When one is missing, of another shape, not finite, or not the network's; ``path`` says whose.
    """
    with torch.device("meta"):  # shapes only: millions of initial weights would be drawn for nothing
        network = Tdd(channels, **shape)
    _check(tensors, network.state_dict(), path)
    single = {name: t.float() if t.is_floating_point() else t for name, t in tensors.items()}
    network.load_state_dict(single, assign=True)
    return network.requires_grad_(requires_grad=False).eval()


def _check(tensors: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor], path: str | Path) -> None:
    check_names(path, METHOD, tensors, wanted)
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise WeightsError(f"{path}: tensor {name!r} holds values that are not finite; copy it again")


def _known(header: Mapping[str, Any]) -> tuple[dict[str, Any], int, int | None]:
    """Return the shape of the network, its input size and the tile."""
    known: Any = header.get("network")
    try:
        width, attention = float(known["width"]), known["attention"]
        size, tile = int(known["input_size"]), known["tile"]
        tile = None if tile is None else int(tile)
    except (KeyError, TypeError, ValueError) as error:
        raise WeightsError(NO_NETWORK) from error
    sound = 0 < width <= WIDEST and attention in FORMS and 0 < size <= LARGEST_INPUT and not size % STEP
    if not sound or not (tile is None or 0 < tile <= LARGEST_INPUT):
        raise WeightsError(NO_NETWORK)
    shape = {"width": width, "attention": attention, "prior": known.get("prior") is True}
    return shape, size, tile
