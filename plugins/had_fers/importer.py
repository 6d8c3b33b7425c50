"""Released checkpoints of FERS: a folder of FERD's three files and ``spa_fen.pt``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from had_cli.plugin import Weights, WeightsError, read_checkpoint
from had_ferd.backbone import file_sha256
from had_ferd.importer import FILES as TEACHER_FILES
from had_ferd.importer import import_weights as import_teacher
from had_ferd.weights import load_state
from had_fers.spatial import SpatialNetwork
from had_fers.weights import to_weights

FILE = "spa_fen.pt"


def import_weights(folder: Path) -> Weights:
    """Return the weights in a folder of released files; nothing in them is executed.

    Raises
    ------
    WeightsError
        When a file is missing, cut short, holds code, or holds other tensors than FERS's networks.
    """
    if not folder.is_dir():
        raise WeightsError(
            f"{folder}: is no folder; fers was released as {', '.join(TEACHER_FILES)}, {FILE} in one"
        )
    teacher = import_teacher(folder)
    path = folder / FILE
    held = read_checkpoint(path)
    if isinstance(held, Mapping) and set(held) == {"state_dict"}:
        held = held["state_dict"]
    if not isinstance(held, Mapping) or not all(isinstance(t, torch.Tensor) for t in held.values()):
        raise WeightsError(f"{path}: holds no state dict (tensors by name); it is no released file of fers")
    network = SpatialNetwork(teacher.header["bands"])
    load_state(network, held, path, "fers")
    hashes = {**teacher.header["imported_from"], FILE: file_sha256(path)}
    return to_weights(teacher, network, imported_from=hashes)
