"""How large a pixel is on the ground."""

from __future__ import annotations

import math

import numpy as np

from had_cli.results.places.ground import Ground
from had_cli.scenes.source import SceneInfo


def ground_sampling_distance(info: SceneInfo) -> float | None:
    """Return the side in metres of a square as large as the pixel in the middle of the scene.

    None where the scene has no coordinate system that leads to a place on the Earth.
    """
    ground = Ground.of(info.shape, info.crs, info.transform)
    if ground.centre is None:
        return None
    col, row = info.shape[1] // 2, info.shape[0] // 2
    corners = ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))
    square = [(float(col + right), float(row + down)) for right, down in corners]
    ((ring,),) = ground.equal_area([[[square]]])[0]
    x, y = np.asarray(ring).T
    x, y = x - x[0], y - y[0]
    area = abs(float(x[:-1] @ y[1:] - x[1:] @ y[:-1])) / 2
    return math.sqrt(area) if math.isfinite(area) and area > 0 else None
