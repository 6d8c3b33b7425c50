"""The name of what was read: a hash of a scene's selected pixels."""

from __future__ import annotations

import hashlib

import numpy as np

from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

HASHED_ROWS = 64  # read at a time; the hash does not depend on it


def scene_hash(scene: Scene) -> str:
    """Return the sha256 of the selected pixels as float32, row by row.

    It is the same for every file format that holds the same values, and names exactly what was
    trained on: the bands, window and mask are part of it.
    """
    rows, cols, bands = scene.shape
    digest = hashlib.sha256(f"{rows} {cols} {bands}\n".encode())
    for row in range(0, rows, HASHED_ROWS):
        cube = scene.read(Window(0, row, cols, min(HASHED_ROWS, rows - row)))
        # every NaN alike, whatever bits the file or the machine gave it
        digest.update(np.where(np.isnan(cube), np.float32(np.nan), cube).astype("<f4").tobytes())
    return digest.hexdigest()
