"""Triangular products and solves in place agree with numpy, and let other threads run."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from had_cli.engine.blas import (
    cholesky_in_place,
    invert_triangle,
    multiply_in_place,
    solve_in_place,
    subtract_product,
)


def positive(size: int) -> np.ndarray:
    rows = np.random.default_rng(size).normal(size=(2 * size + 3, size))
    return rows.T @ rows


@pytest.mark.parametrize("size", [1, 2, 33, 200])
def test_a_factor_gives_quadratic_forms_with_the_inverse(size):
    matrix, x = positive(size), np.random.default_rng(1).normal(size=(7, size))
    factor, rows = matrix.copy(), x.copy()
    cholesky_in_place(factor)
    upper = np.triu(factor)
    np.testing.assert_allclose(upper.T @ upper, matrix, rtol=1e-9, atol=1e-9)
    solve_in_place(factor, rows)
    expected = np.einsum("ni,ij,nj->n", x, np.linalg.inv(matrix), x)
    np.testing.assert_allclose(np.vecdot(rows, rows), expected, rtol=1e-8)


def test_rows_of_an_inverted_triangle_give_the_diagonal_of_the_inverse():
    rows = np.random.default_rng(2).standard_normal((30, 12))
    matrix = rows.T @ rows
    factor = matrix.copy()
    cholesky_in_place(factor)
    upper = np.triu(factor)
    invert_triangle(factor)
    np.testing.assert_allclose(np.triu(factor) @ upper, np.eye(12), atol=1e-12)
    np.testing.assert_allclose((np.triu(factor) ** 2).sum(axis=1), np.diag(np.linalg.inv(matrix)), rtol=1e-10)
    np.testing.assert_array_equal(np.tril(factor, -1), np.tril(matrix, -1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("lower", [False, True])
def test_a_product_with_a_triangle_looks_at_this_triangle_only(dtype, lower):
    rng = np.random.default_rng(2)
    x, matrix = rng.normal(size=(50, 31)).astype(dtype), rng.normal(size=(31, 31)).astype(dtype)
    expected = x @ (np.tril(matrix) if lower else np.triu(matrix))
    multiply_in_place(x, matrix, lower=lower)
    np.testing.assert_allclose(x, expected, rtol=1e-5, atol=1e-5)


def test_what_has_no_factor_is_told():
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        cholesky_in_place(-np.eye(3))


@pytest.mark.parametrize(
    "array",
    [np.eye(4, dtype=np.float32), np.asfortranarray(np.arange(16.0).reshape(4, 4)), np.eye(8)[::2, ::2]],
)
def test_what_would_be_read_as_something_else_is_refused(array):
    with pytest.raises(TypeError, match="C-contiguous array of float64"):
        cholesky_in_place(array)


def test_other_threads_run_meanwhile():
    matrix, rows = np.eye(600), np.ones((6000, 600))
    seen = []
    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(solve_in_place, matrix, rows)
        while not working.done():
            seen.append(time.perf_counter())
            time.sleep(0.001)
    working.result()
    assert len(seen) >= 3, "nothing else ran while the rows were solved"


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("inner", [0, 1, 4])
def test_a_product_is_subtracted_in_place(dtype, inner):
    random = np.random.default_rng(0)
    matrix, first, second = (random.random(shape).astype(dtype) for shape in ((7, 5), (7, inner), (inner, 5)))
    expected = matrix - first @ second
    subtract_product(matrix, first, second)
    np.testing.assert_allclose(matrix, expected, rtol=0, atol=8 * np.finfo(dtype).eps)
    with pytest.raises(TypeError, match="C-contiguous"):
        subtract_product(matrix.T, first, second)
