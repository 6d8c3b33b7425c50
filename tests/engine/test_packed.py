"""Packed symmetric matrices: sums of products, factors and quadratic forms agree with whole matrices."""

from __future__ import annotations

import numpy as np
import pytest

from had_cli.engine.packed import (
    add_packed_outer,
    add_packed_products,
    factorise_packed,
    packed_diagonal,
    packed_size,
    solve_packed,
)


def rows_of(count: int, size: int) -> np.ndarray:
    return np.random.default_rng(count + size).normal(size=(count, size))


@pytest.mark.parametrize("size", [1, 2, 3, 33, 200])
def test_quadratic_forms_with_the_inverse_of_a_sum_of_products(size):
    first, second, vector = rows_of(2 * size, size), rows_of(5, size), rows_of(1, size)[0]
    packed = np.full(packed_size(size), np.nan)  # what was there does not matter
    add_packed_products(packed, first, to=0.0)
    add_packed_products(packed, second, 2.0)
    add_packed_outer(packed, vector, 0.5)
    packed[packed_diagonal(size)] += np.arange(size) + 1.0
    matrix = first.T @ first + 2 * second.T @ second + 0.5 * np.outer(vector, vector)
    matrix += np.diag(np.arange(size) + 1.0)
    columns = rows_of(7, size).T.copy()
    expected = np.einsum("in,ij,jn->n", columns, np.linalg.inv(matrix), columns)
    factorise_packed(packed, size)
    solve_packed(packed, columns)
    np.testing.assert_allclose((columns**2).sum(axis=0), expected, rtol=1e-8)


def test_packed_matrices_are_added_as_vectors():
    first, second = np.zeros(packed_size(9)), np.zeros(packed_size(9))
    add_packed_products(first, rows_of(4, 9))
    add_packed_products(second, rows_of(6, 9))
    both = np.zeros(packed_size(9))
    add_packed_products(both, np.concatenate([rows_of(4, 9), rows_of(6, 9)]))
    np.testing.assert_allclose(first + second, both, atol=1e-12)


def test_what_has_no_factor_is_told():
    packed = np.zeros(packed_size(3))
    packed[packed_diagonal(3)] = -1
    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        factorise_packed(packed, 3)


def test_what_would_be_read_as_something_else_is_refused():
    with pytest.raises(ValueError, match="a packed 4 x 4 matrix has 10 numbers"):
        factorise_packed(np.zeros(9), 4)
    with pytest.raises(TypeError, match="C-contiguous array of float64"):
        add_packed_products(np.zeros(10), np.zeros((3, 4), np.float32))
    with pytest.raises(TypeError, match="C-contiguous array of float64"):
        solve_packed(np.zeros(10), np.zeros((3, 4)).T)
