"""BLAS and LAPACK on matrices in place, without the interpreter's lock.

The functions of ``scipy.linalg.blas`` and ``lapack`` hold the lock while they compute, so threads that work
on blocks side by side would wait for one another, and numpy has neither triangular products nor
triangular solves. What is called here are the same routines of the same library, by the addresses
that scipy publishes for Cython (``scipy.linalg.cython_blas``); ctypes lets go of the lock for a call.

Matrices are C-contiguous. BLAS counts by columns, so it sees the transpose of each.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cython_blas, cython_lapack

Array = npt.NDArray[Any]
_TYPES = {np.dtype(np.float32): ctypes.c_float, np.dtype(np.float64): ctypes.c_double}


def _routine(module: ModuleType, name: str) -> Callable[..., None]:
    """Return a routine of scipy's Cython interface; all its arguments are addresses."""
    python = ctypes.pythonapi
    python.PyCapsule_GetName.restype = ctypes.c_char_p
    python.PyCapsule_GetName.argtypes = [ctypes.py_object]
    python.PyCapsule_GetPointer.restype = ctypes.c_void_p
    python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsule = module.__pyx_capi__[name]
    signature: bytes = python.PyCapsule_GetName(capsule)
    address = python.PyCapsule_GetPointer(capsule, signature)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * (signature.count(b",") + 1))(address)


_DPOTRF = _routine(cython_lapack, "dpotrf")
_DTRSM = _routine(cython_blas, "dtrsm")
_DGER = _routine(cython_blas, "dger")
_GEMM = {
    np.dtype(np.float32): _routine(cython_blas, "sgemm"),
    np.dtype(np.float64): _routine(cython_blas, "dgemm"),
}
_TRMM = {
    np.dtype(np.float32): _routine(cython_blas, "strmm"),
    np.dtype(np.float64): _routine(cython_blas, "dtrmm"),
}


def cholesky_in_place(matrix: Array) -> None:
    """Replace a symmetric positive definite n x n ``matrix`` by its factor, for :func:`solve_in_place`.

    ``matrix`` is double precision. Its upper triangle becomes U with U^T U the matrix; below the diagonal it
    stays as it was.

    Raises
    ------
    numpy.linalg.LinAlgError
        When the matrix is not positive definite.
    """
    _check(matrix, np.float64)
    size, info = _integer(len(matrix)), _integer(0)
    _DPOTRF(_LOWER, size, matrix.ctypes.data, size, info)
    if info._obj.value:
        raise np.linalg.LinAlgError("a matrix is not positive definite")


def solve_in_place(factor: Array, rows: Array) -> None:
    """Replace every row x of m x n ``rows`` by U^-T x, of the ``factor`` of :func:`cholesky_in_place`.

    The squared length of a row is then x^T matrix^-1 x.
    """
    _check(factor, np.float64)
    _check(rows, np.float64)
    count, size = rows.shape
    n, one = _integer(size), ctypes.byref(ctypes.c_double(1))
    _DTRSM(
        _LEFT,
        _LOWER,
        _AS_IT_IS,
        _AS_IT_IS,
        n,
        _integer(count),
        one,
        factor.ctypes.data,
        n,
        rows.ctypes.data,
        n,
    )


def multiply_in_place(rows: Array, triangle: Array, *, lower: bool = False) -> None:
    """Replace m x n ``rows`` by rows @ triangle, with an n x n upper, or lower, triangle: half of a product.

    Both are of single or of double precision. The other half of ``triangle`` is not looked at.
    """
    _check(rows, rows.dtype)
    _check(triangle, rows.dtype)
    count, size = rows.shape
    n, one = _integer(size), ctypes.byref(_TYPES[rows.dtype](1))
    half = _UPPER if lower else _LOWER  # of the transpose
    _TRMM[rows.dtype](
        _LEFT,
        half,
        _AS_IT_IS,
        _AS_IT_IS,
        n,
        _integer(count),
        one,
        triangle.ctypes.data,
        n,
        rows.ctypes.data,
        n,
    )


def subtract_product(matrix: Array, first: Array, second: Array) -> None:
    """Subtract first @ second, of m x k and k x n, from an m x n ``matrix``: no product lies between."""
    for array in (matrix, first, second):
        _check(array, matrix.dtype)
    if not first.shape[1]:
        return
    (rows, cols), inner = (_integer(size) for size in matrix.shape), _integer(first.shape[1])
    number = _TYPES[matrix.dtype]
    _GEMM[matrix.dtype](
        _AS_IT_IS,
        _AS_IT_IS,
        cols,
        rows,
        inner,
        ctypes.byref(number(-1)),
        second.ctypes.data,
        cols,
        first.ctypes.data,
        inner,
        ctypes.byref(number(1)),
        matrix.ctypes.data,
        cols,
    )


def add_outer(matrix: Array, scale: float, first: Array, second: Array) -> None:
    """Add ``scale`` times the outer product of two vectors to an m x n ``matrix``, double precision."""
    for array in (matrix, first, second):
        _check(array, np.float64)
    rows, cols = (_integer(size) for size in matrix.shape)
    one, alpha = _integer(1), ctypes.byref(ctypes.c_double(scale))
    _DGER(cols, rows, alpha, second.ctypes.data, one, first.ctypes.data, one, matrix.ctypes.data, cols)


_LEFT, _LOWER, _UPPER, _AS_IT_IS = (ctypes.c_char_p(letter) for letter in (b"L", b"L", b"U", b"N"))


def _integer(value: int) -> Any:
    return ctypes.byref(ctypes.c_int(value))


def _check(array: Array, dtype: npt.DTypeLike) -> None:
    """Refuse what the routines would read as something else."""
    if array.dtype != dtype or not array.flags.c_contiguous:
        raise TypeError(
            f"needs a C-contiguous array of {np.dtype(dtype)}, not {array.dtype} of {array.strides}"
        )
