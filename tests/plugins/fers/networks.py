"""Untrained networks, as weights and as the files that the authors release."""

from __future__ import annotations

from pathlib import Path

from released import released_state, save_released

from had_cli.scenes.bands import BandGrid
from had_cli.weights.file import Weights
from had_ferd.fen import random_fen
from had_ferd.weights import to_weights as ferd_weights
from had_fers.spatial import random_spatial
from had_fers.weights import to_weights

RANDOM = {"kind": "random", "seed": 0}


def untrained(bands: int, seed: int = 0) -> Weights:
    """Return weights of two random networks whose frozen parts are kept as their seeds."""
    backbone = {"kind": "random", "seed": seed}
    teacher = ferd_weights(random_fen(bands, seed), BandGrid(bands), backbone=backbone)
    return to_weights(teacher, random_spatial(bands, seed), backbone=backbone)


def save_untrained(folder: Path, bands: int) -> Path:
    """Write released files of two random networks."""
    spatial = {"spa_fen.pt": random_spatial(bands).state_dict()}
    return save_released(folder, {**released_state(bands), **spatial})
