"""Batches of small positive definite systems, by Cholesky factors and triangular solves.

A general solver would factorise each triangle once more. numpy has no triangular solve, so on the CPU
LAPACK and BLAS are called block by block, in place: a call takes microseconds, a block of 200 bands a
millisecond.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg.blas import dtrmm, dtrsm
from scipy.linalg.lapack import dpotrf

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
        half = _solve(_cholesky(square), rows)
        np.vecdot(half, half, out=result[index])
    return result


def ridge_leverage(gram: Any, xp: Any) -> Any:
    """Return the diagonal of (K + ridge I)^-1 K, blocks x n, of blocks x n x n ``gram`` matrices K.

    With K + ridge I = L L^T it is the sum over the columns of (L^-1) (L^-1 K), term by term.
    """
    size = gram.shape[-1]
    ridged = gram + RIDGE * xp.asarray(np.eye(size), device=getattr(gram, "device", None))
    if not isinstance(gram, np.ndarray):
        lower = xp.linalg.cholesky(ridged)
        unit = xp.eye(size, dtype=gram.dtype, device=gram.device)
        inverse = _torch_solve(lower, xp.broadcast_to(unit, gram.shape))
        return xp.sum(inverse * _torch_solve(lower, gram), axis=-2)
    result = np.empty(gram.shape[:2])
    for index, (square, own) in enumerate(zip(ridged, gram, strict=True)):
        lower = _cholesky(square)
        np.vecdot(_solve(lower, np.eye(size)), _solve(lower, own), out=result[index])
    return result


def lengths(x: Any, lower: Any, xp: Any) -> Any:
    """Return the Euclidean length of each row of x lower: (...,) of (..., bands) and a lower triangle."""
    if not isinstance(x, np.ndarray):
        return xp.linalg.vector_norm(x @ lower, axis=-1)
    rows = x.reshape(-1, x.shape[-1]).copy()
    z = dtrmm(1.0, lower.T, rows.T, overwrite_b=1).T
    return np.sqrt(np.vecdot(z, z)).reshape(x.shape[:-1])


def _cholesky(matrix: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the lower factor, as BLAS counts, in the place of ``matrix``; above it nothing is set."""
    # symmetric: its transpose is the same matrix in the order that LAPACK writes in place
    lower, failed = dpotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError("a covariance is not positive definite")
    return np.asarray(lower)


def _solve(lower: npt.NDArray[np.float64], rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return (lower^-1 rows^T)^T in the place of ``rows``, n x bands."""
    return np.asarray(dtrsm(1.0, lower, rows.T, lower=1, overwrite_b=1).T)


def _torch_solve(lower: Any, right: Any) -> Any:
    import torch

    return torch.linalg.solve_triangular(lower, right, upper=False)
