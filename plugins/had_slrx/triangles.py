"""Batches of small positive definite systems, by Cholesky factors and triangular solves.

A general solver would factorise each triangle once more. numpy has no triangular solve, so on the CPU
LAPACK and BLAS are called block by block, in place: a call takes microseconds, a block of 200 bands a
good part of a millisecond.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from had_cli.plugin import cholesky_in_place, multiply_in_place, solve_in_place

RIDGE = 1e-6  # added to the diagonal of every covariance, in units of the scaled cube


def squared_norms(matrix: Any, x: Any, xp: Any) -> Any:
    """Return x_i^T matrix^-1 x_i, blocks x n.

    ``matrix`` (blocks x bands x bands, positive definite; of numpy also an iterator over blocks) and ``x``
    (blocks x n x bands) are overwritten.
    """
    if not isinstance(x, np.ndarray):
        half = _torch_solve(xp.linalg.cholesky(matrix), xp.matrix_transpose(x))
        return xp.sum(half * half, axis=-2)
    result = np.empty(x.shape[:2])
    for index, (square, rows) in enumerate(zip(matrix, x, strict=True)):
        cholesky_in_place(square)
        solve_in_place(square, rows)
        np.vecdot(rows, rows, out=result[index])
    return result


def ridge_leverage(gram: Any, xp: Any) -> Any:
    """Return the diagonal of (K + ridge I)^-1 K, blocks x n, of blocks x n x n ``gram`` matrices K.

    With K + ridge I = L L^T it is the sum over the columns of (L^-1) (L^-1 K), term by term.
    """
    size = gram.shape[-1]
    unit = xp.asarray(np.eye(size), device=getattr(gram, "device", None))
    ridged = gram + RIDGE * unit
    if not isinstance(gram, np.ndarray):
        lower = xp.linalg.cholesky(ridged)
        inverse = _torch_solve(lower, xp.broadcast_to(unit, gram.shape))
        return xp.sum(inverse * _torch_solve(lower, gram), axis=-2)
    result = np.empty(gram.shape[:2])
    for index, (square, own) in enumerate(zip(ridged, gram, strict=True)):
        cholesky_in_place(square)
        rows = np.concatenate([unit, own])
        solve_in_place(square, rows)
        np.vecdot(rows[:size], rows[size:], out=result[index])
    return result


def lengths(x: Any, lower: Any, xp: Any) -> Any:
    """Return the Euclidean length of each row of x lower: (...,) of (..., bands) and a lower triangle."""
    if not isinstance(x, np.ndarray):
        return xp.linalg.vector_norm(x @ lower, axis=-1)
    rows = x.reshape(-1, x.shape[-1]).copy()
    multiply_in_place(rows, lower, lower=True)
    return np.sqrt(np.vecdot(rows, rows)).reshape(x.shape[:-1])


def _torch_solve(lower: Any, right: Any) -> Any:
    import torch

    return torch.linalg.solve_triangular(lower, right, upper=False)
