"""Symmetric matrices of n x n in n (n + 1) / 2 numbers: half of the memory to go through.

LAPACK's rectangular full packed format (Gustavson, Wasniewski, Dongarra & Langou, ACM TOMS 37(2), 2010) keeps
two triangles of half the size and the square between them as one rectangle, so factors and solves run at the
speed of whole matrices, and packed matrices are added as vectors. Like :mod:`had_cli.engine.blas`, without
the interpreter's lock. Arrays are C-contiguous and of double precision.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.linalg import cython_lapack, lapack

from had_cli.engine.blas import Array, Indices, as_real, checked, integer, routine

_DSFRK = routine(cython_lapack, "dsfrk")
_DSFRK_LOCKED = routine(cython_lapack, "dsfrk", locked=True)
_DPFTRF = routine(cython_lapack, "dpftrf")
_DTFSM = routine(cython_lapack, "dtfsm")
_NORMAL, _LOWER, _RIGHT, _TRANSPOSED = (ctypes.c_char_p(letter) for letter in (b"N", b"L", b"R", b"T"))


def packed_size(size: int) -> int:
    """Return how many numbers a symmetric size x size matrix takes."""
    return size * (size + 1) // 2


@lru_cache
def packed_diagonal(size: int) -> Indices:
    """Return where the diagonal of a packed size x size matrix lies, in its order."""
    packed, _ = lapack.dtrttf(np.diag(np.arange(1.0, size + 1)), uplo="L")
    places = np.flatnonzero(packed)
    places = places[np.argsort(packed[places])]
    places.flags.writeable = False
    return places


def add_packed_products(packed: Array, rows: Array, scale: float = 1.0, *, to: float = 1.0) -> None:
    """Replace a ``packed`` n x n matrix by ``to`` times itself plus ``scale`` rows^T rows, of m x n ``rows``.

    With ``to`` of 0 it may hold anything before.
    """
    _add(_DSFRK, packed, rows, scale, to)


def add_packed_outer(packed: Array, vector: Array, scale: float = 1.0) -> None:
    """Add ``scale`` times the outer product of a vector with itself to a ``packed`` matrix.

    It takes some microseconds, so the interpreter's lock is kept: another thread that took it meanwhile
    would make this one wait for longer.
    """
    _add(_DSFRK_LOCKED, packed, vector[None], scale, 1.0)


def _add(routine: Callable[..., None], packed: Array, rows: Array, scale: float, to: float) -> None:
    checked(rows, np.float64)
    count, size = rows.shape
    _check_packed(packed, size)
    routine(
        _NORMAL,
        _LOWER,
        _NORMAL,
        integer(size),
        integer(count),
        as_real(scale),
        rows.ctypes.data,
        integer(size),
        as_real(to),
        packed.ctypes.data,
    )


def factorise_packed(packed: Array, size: int) -> None:
    """Replace a positive definite ``packed`` size x size matrix by its lower Cholesky factor, packed.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the matrix is not positive definite.
    """
    _check_packed(packed, size)
    info = ctypes.c_int(0)
    _DPFTRF(_NORMAL, _LOWER, integer(size), packed.ctypes.data, ctypes.byref(info))
    if info.value:
        raise np.linalg.LinAlgError("a matrix is not positive definite")


def solve_packed(factor: Array, columns: Array) -> None:
    """Replace every column x of n x m ``columns`` by L^-1 x, of the ``factor`` L of :func:`factorise_packed`.

    The squared length of a column is then x^T matrix^-1 x.
    """
    checked(columns, np.float64)
    size, count = columns.shape
    _check_packed(factor, size)
    _DTFSM(
        _NORMAL,
        _RIGHT,
        _LOWER,
        _TRANSPOSED,
        _NORMAL,
        integer(count),
        integer(size),
        as_real(1.0),
        factor.ctypes.data,
        columns.ctypes.data,
        integer(count),
    )


def _check_packed(packed: Array, size: int) -> None:
    checked(packed, np.float64)
    if packed.shape != (packed_size(size),):
        raise ValueError(
            f"a packed {size} x {size} matrix has {packed_size(size)} numbers, not {packed.shape}"
        )
