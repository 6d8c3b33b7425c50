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
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cython_blas, cython_lapack

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]
_TYPES = {np.dtype(np.float32): ctypes.c_float, np.dtype(np.float64): ctypes.c_double}


def routine(module: ModuleType, name: str, *, locked: bool = False) -> Callable[..., None]:
    """Return a routine of scipy's Cython interface; all its arguments are addresses.

    ``locked`` keeps the interpreter's lock for a call.
    """
    python = ctypes.pythonapi
    python.PyCapsule_GetName.restype = ctypes.c_char_p
    python.PyCapsule_GetName.argtypes = [ctypes.py_object]
    python.PyCapsule_GetPointer.restype = ctypes.c_void_p
    python.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    capsule = module.__pyx_capi__[name]
    signature: bytes = python.PyCapsule_GetName(capsule)
    address = python.PyCapsule_GetPointer(capsule, signature)
    kind = ctypes.PYFUNCTYPE if locked else ctypes.CFUNCTYPE
    return kind(None, *[ctypes.c_void_p] * (signature.count(b",") + 1))(address)


_DPOTRF = routine(cython_lapack, "dpotrf")
_DTRTRI = routine(cython_lapack, "dtrtri")
_DTRSM = routine(cython_blas, "dtrsm")
_GEMM = {
    np.dtype(np.float32): routine(cython_blas, "sgemm"),
    np.dtype(np.float64): routine(cython_blas, "dgemm"),
}
_TRMM = {
    np.dtype(np.float32): routine(cython_blas, "strmm"),
    np.dtype(np.float64): routine(cython_blas, "dtrmm"),
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
    checked(matrix, np.float64)
    size, info = integer(len(matrix)), ctypes.c_int(0)
    _DPOTRF(_LOWER, size, matrix.ctypes.data, size, ctypes.byref(info))
    if info.value:
        raise np.linalg.LinAlgError("a matrix is not positive definite")


def invert_triangle(factor: Array) -> None:
    """Replace the upper triangle of the ``factor`` U of :func:`cholesky_in_place` by that of U^-1.

    Below the diagonal the matrix stays as it was. The squared lengths of the rows of U^-1 are the diagonal of
    the inverse of what was factorised.
    """
    checked(factor, np.float64)
    size, info = integer(len(factor)), ctypes.c_int(0)
    _DTRTRI(_LOWER, _AS_IT_IS, size, factor.ctypes.data, size, ctypes.byref(info))
    if info.value:
        raise np.linalg.LinAlgError("a triangle is singular")


def solve_in_place(factor: Array, rows: Array) -> None:
    """Replace every row x of m x n ``rows`` by U^-T x, of the ``factor`` of :func:`cholesky_in_place`.

    The squared length of a row is then x^T matrix^-1 x.
    """
    checked(factor, np.float64)
    checked(rows, np.float64)
    count, size = rows.shape
    n, one = integer(size), ctypes.byref(ctypes.c_double(1))
    _DTRSM(
        _LEFT,
        _LOWER,
        _AS_IT_IS,
        _AS_IT_IS,
        n,
        integer(count),
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
    checked(rows, rows.dtype)
    checked(triangle, rows.dtype)
    count, size = rows.shape
    n, one = integer(size), ctypes.byref(_TYPES[rows.dtype](1))
    half = _UPPER if lower else _LOWER  # of the transpose
    _TRMM[rows.dtype](
        _LEFT,
        half,
        _AS_IT_IS,
        _AS_IT_IS,
        n,
        integer(count),
        one,
        triangle.ctypes.data,
        n,
        rows.ctypes.data,
        n,
    )


def subtract_product(matrix: Array, first: Array, second: Array) -> None:
    """Subtract first @ second, of m x k and k x n, from an m x n ``matrix``: no product lies between."""
    for array in (matrix, first, second):
        checked(array, matrix.dtype)
    if not first.shape[1]:
        return
    (rows, cols), inner = (integer(size) for size in matrix.shape), integer(first.shape[1])
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


_LEFT, _LOWER, _UPPER, _AS_IT_IS = (ctypes.c_char_p(letter) for letter in (b"L", b"L", b"U", b"N"))


@lru_cache
def integer(value: int) -> Any:
    """Return the address of an integer that the routine only reads."""
    return ctypes.byref(ctypes.c_int(value))


@lru_cache
def as_real(value: float) -> Any:
    """Return the address of a number of double precision that the routine only reads."""
    return ctypes.byref(ctypes.c_double(value))


def checked(array: Array, dtype: npt.DTypeLike) -> None:
    """Refuse what the routines would read as something else.

    Raises
    ------
    TypeError
        When an array is of another type, or not C-contiguous.
    """
    if array.dtype != dtype or not array.flags.c_contiguous:
        raise TypeError(
            f"needs a C-contiguous array of {np.dtype(dtype)}, not {array.dtype} of {array.strides}"
        )
