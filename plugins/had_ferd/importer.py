"""Released checkpoints of FERD: a folder of ``convh.pt``, ``enc.pt`` and ``pc.pt``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from had_cli.plugin import BandGrid, Weights, WeightsError, read_checkpoint
from had_ferd.fen import EMBEDDING, Fen
from had_ferd.weights import load_state, to_weights

# released file -> where its tensors stand in the network
FILES = {"convh.pt": "", "enc.pt": "encoder.", "pc.pt": "pc."}


def import_weights(folder: Path) -> Weights:
    """Return the weights in a folder of released files; nothing in them is executed.

    The files know neither wavelengths nor the scenes they were trained on: spectra are brought to
    their bands by index.

    Raises
    ------
    WeightsError
        When a file is missing, cut short, holds code, or holds other tensors than FERD's network.
    """
    if not folder.is_dir():
        raise WeightsError(f"{folder}: is no folder; ferd was released as {', '.join(FILES)} in one")
    state: dict[str, Any] = {}
    hashes = {}
    for file, prefix in FILES.items():
        path = folder / file
        held = read_checkpoint(path)
        tensors = held["state_dict"] if isinstance(held, Mapping) and set(held) == {"state_dict"} else None
        if not isinstance(tensors, Mapping):
            raise WeightsError(f"{path}: holds no 'state_dict' alone; it is no released file of ferd")
        state |= {f"{prefix}{name}": tensor for name, tensor in tensors.items()}
        hashes[file] = hashlib.sha256(path.read_bytes()).hexdigest()
    first = state.get("convh.weight")
    if not isinstance(first, torch.Tensor) or first.ndim != 4 or first.shape[0] != EMBEDDING:
        raise WeightsError(f"{folder / 'convh.pt'}: holds no 'convh.weight' of 64 x bands x 1 x 1")
    grid = BandGrid(first.shape[1])
    fen = Fen(grid.bands)
    load_state(fen, state, folder)
    return to_weights(fen, grid, imported_from=hashes)
