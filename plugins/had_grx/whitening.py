"""The (pseudo-)inverse of a covariance, as a matrix that makes the background white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_triangular

from had_cli.plugin import multiply_in_place

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Whitening:
    """z = (x - mean) matrix is white: z^T z is the squared Mahalanobis distance.

    Attributes
    ----------
    mean : (bands,)
    matrix : (bands, k); matrix matrix^T = S^+
    rank : number of directions that count
    triangular : ``matrix`` is upper triangular, so half of the product can be left out
    """

    mean: Array
    matrix: Array
    rank: int
    triangular: bool

    def applied(self, x: Any, matrix: Any) -> Any:
        """Return x matrix, n x k, of n x bands ``x`` that may be overwritten.

        ``matrix`` is this one's in the type and the namespace of ``x``. BLAS multiplies by a triangle in half
        the time; torch has nothing of the kind.
        """
        if not (self.triangular and isinstance(x, np.ndarray)):
            return x @ matrix
        multiply_in_place(x, matrix)
        return x


def whitening(covariance: Array, mean: Array, components: int | None = None) -> Whitening:
    """Return the whitening of ``covariance`` (bands x bands).

    With ``components`` only so many leading eigenvectors of the covariance count. Otherwise all
    directions count in which the scene varies: bands are first brought to unit variance, so that the
    units of a band do not matter, and eigenvalues of the correlation below
    ``bands * 2.2e-16`` times the largest are rounding, not signal. There is no other cut-off: with
    the full inverse the score does not change under any invertible affine map of the spectra.
    """
    bands = len(mean)
    if components is not None:
        values, vectors = np.linalg.eigh(covariance)
        keep = _significant(values)[-min(components, bands) :]
        return Whitening(mean, vectors[:, keep] / np.sqrt(values[keep]), len(keep), triangular=False)
    deviation = np.sqrt(np.diag(covariance))
    alive = np.flatnonzero(deviation > 0)
    unit = deviation[alive]
    correlation = covariance[np.ix_(alive, alive)] / np.outer(unit, unit)
    values, vectors = np.linalg.eigh(correlation)
    keep = _significant(values)
    if len(keep) == bands:
        lower = np.linalg.cholesky(correlation)
        inverse = solve_triangular(lower, np.eye(bands), lower=True).T
        matrix = np.ascontiguousarray(inverse / unit[:, None])
        return Whitening(mean, matrix, bands, triangular=True)
    matrix = np.zeros((bands, len(keep)))
    matrix[alive] = vectors[:, keep] / np.sqrt(values[keep]) / unit[:, None]
    return Whitening(mean, matrix, len(keep), triangular=False)


def _significant(values: Array) -> npt.NDArray[np.intp]:
    """Return the indices of ascending eigenvalues that stand above rounding."""
    if not len(values):
        return np.arange(0)
    return np.flatnonzero(values > max(values[-1], 0.0) * len(values) * np.finfo(np.float64).eps)
