"""Statistics of a scene, and on a GPU batches of positive definite systems, by triangular solves.

A general solver would factorise each triangle once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

RIDGE = 1e-6  # added to the diagonal of every covariance, in units of the scaled cube


@dataclass(frozen=True)
class Scene:
    """Statistics of the whole scene: ``mean`` (bands,), ``root`` with root root^T = (S + ridge I)^-1.

    ``root`` is a lower triangle, so half of a product with it can be left out; ``precision`` is that of
    products with it on the CPU.
    """

    mean: npt.NDArray[np.float64]
    root: npt.NDArray[np.float64]
    precision: str = "float64"


def squared_norms(matrix: Any, x: Any, xp: Any) -> Any:
    """Return x_i^T matrix^-1 x_i, blocks x n.

    Of blocks x bands x bands positive definite matrices and blocks x n x bands ``x``.
    """
    half = _solve(xp.linalg.cholesky(matrix), xp.matrix_transpose(x))
    return xp.sum(half * half, axis=-2)


def ridge_leverage(gram: Any, xp: Any) -> Any:
    """Return the diagonal of (K + ridge I)^-1 K, blocks x n, of blocks x n x n ``gram`` matrices K.

    With K + ridge I = L L^T it is the sum over the columns of (L^-1) (L^-1 K), term by term.
    """
    unit = xp.asarray(np.eye(gram.shape[-1]), device=getattr(gram, "device", None))
    lower = xp.linalg.cholesky(gram + RIDGE * unit)
    inverse = _solve(lower, xp.broadcast_to(unit, gram.shape))
    return xp.sum(inverse * _solve(lower, gram), axis=-2)


def lengths(x: Any, lower: Any, xp: Any) -> Any:
    """Return the Euclidean length of each row of x lower: (...,) of (..., bands) and a lower triangle."""
    return xp.linalg.vector_norm(x @ lower, axis=-1)


def _solve(lower: Any, right: Any) -> Any:
    import torch

    return torch.linalg.solve_triangular(lower, right, upper=False)
