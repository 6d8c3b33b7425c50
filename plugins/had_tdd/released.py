"""The released checkpoint of TDD: ``checkpoint-model.pth``, a plain state dict."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch

from had_cli.plugin import BandGrid, Weights, WeightsError, read_state_dict
from had_tdd.attention import RELEASED
from had_tdd.network import STAGES
from had_tdd.normalising import MAXIMUM, Normalisation
from had_tdd.weights import Model, load_network

FIRST = "encoder.seq.0.weight"  # channels x bands x 3 x 3
FILE = "checkpoint-model.pth"
INPUT_SIZE = 224


def import_weights(path: Path) -> Weights:
    """Return the weights in a released file, or in the folder that holds it; nothing in it is executed.

    The file knows neither wavelengths nor the size of the patches it was trained on: spectra are brought
    to its bands by index, and the tile is to be given to ``had detect``.

    Raises
    ------
    WeightsError
        When it is missing, cut short, holds code, or holds other tensors than TDD's network.
    """
    path = path / FILE if path.is_dir() else path
    tensors = {name: torch.as_tensor(array) for name, array in read_state_dict(path).items()}
    first = tensors.get(FIRST)
    if first is None or first.ndim != 4 or min(first.shape) < 1:
        raise WeightsError(f"{path}: lacks the tensor {FIRST!r}; it is no network of tdd")
    channels, bands = first.shape[:2]
    shape = {"width": channels / STAGES[0][0], "attention": RELEASED}
    network = load_network(tensors, channels=bands, shape=shape, path=path)
    model = Model(network, BandGrid(bands), Normalisation(MAXIMUM), INPUT_SIZE, None)
    return model.weights(imported_from={path.name: hashlib.sha256(path.read_bytes()).hexdigest()})
