"""Principal components of the spectra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, Extrema, Moments, device_of, like

COUNT = 20
ROUNDING = 1e-12  # a part of the largest variance that rounding alone may make
CHUNK = 2048  # pixels per product: a chunk and its image stay in the cache

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Components:
    """Block map to the leading components, in double precision, as float32.

    Attributes
    ----------
    mean : (bands,)
    directions : (bands, k), in units of the scaled cube per unit of the scene; zeros where the scene
        does not vary
    variances : (k,), descending, divisor N, of the scaled cube
    """

    mean: Vector
    directions: npt.NDArray[np.float64]
    variances: Vector

    def __call__(self, block: Block) -> Any:
        """Return core height x core width x k."""
        xp = block.xp
        cube = block.core_of(block.cube)
        pixels = xp.reshape(cube, (-1, cube.shape[-1]))
        mean, directions = like(pixels, self.mean, xp), like(pixels, self.directions, xp)
        result = xp.empty((pixels.shape[0], directions.shape[1]), dtype=xp.float32, device=device_of(pixels))
        for start in range(0, pixels.shape[0], CHUNK):
            x = xp.astype(pixels[start : start + CHUNK, :], xp.float64)
            x -= mean
            result[start : start + CHUNK, :] = xp.astype(x @ directions, xp.float32)
        return xp.reshape(result, (*cube.shape[:2], -1))


def components(moments: Moments, extrema: Extrema) -> Components:
    """Return the up to COUNT leading components of the cube scaled to [0, 1] by its extremes.

    Their signs are those of ``numpy.linalg.eigh``: random features are not the same for either.
    """
    span = (extrema.high - extrema.low) or 1.0
    values, vectors = np.linalg.eigh(moments.scatter / span**2 / (moments.count - 1))
    values, vectors = values[::-1][:COUNT], vectors[:, ::-1][:, :COUNT]
    alive = values > max(values[0], 0.0) * ROUNDING
    # what only rounding makes vary would give directions that depend on nothing but rounding
    directions = np.where(alive, vectors, 0.0) / span
    variances = np.where(alive, values, 0.0) * ((moments.count - 1) / moments.count)
    return Components(moments.mean, directions, variances)
