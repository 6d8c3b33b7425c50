"""A lookup table puts each pixel where it says, for whole scenes and for windows of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli import Scene
from had_cli.errors import SceneError
from had_cli.plugin import ArraySource, Ortho, SceneInfo, Window
from had_cli.scenes.lookup import ortho_of_window, orthorectified
from had_cli.scenes.ortho import as_scored, ortho_scene

TRANSFORM = (0.5, 0.1, 100.0, 0.2, -0.5, 900.0)


def table(rows, cols):
    """Return the lookup table of two integer arrays."""
    return Ortho(
        shape=rows.shape,
        crs=None,
        transform=TRANSFORM,
        lookup=lambda window: (rows[window.rows, window.cols], cols[window.rows, window.cols]),
    )


def by_hand(values, rows, cols):
    """Return the map, pixel by pixel."""
    out = np.full(rows.shape, np.nan, values.dtype)
    for place in np.ndindex(*rows.shape):
        if rows[place] >= 0 and cols[place] >= 0:
            out[place] = values[rows[place], cols[place]]
    return out


@st.composite
def cases(draw):
    """Return a scene's size, a table into it, and a window of it."""
    rows, cols = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    height, width = draw(st.integers(1, 300)), draw(st.integers(1, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    row, col = rng.integers(-1, rows, (height, width)), rng.integers(-1, cols, (height, width))
    left, top = draw(st.integers(0, cols - 1)), draw(st.integers(0, rows - 1))
    window = Window(left, top, draw(st.integers(1, cols - left)), draw(st.integers(1, rows - top)))
    return (rows, cols), (row, col), window


def scene_of(shape, ortho, bands=3):
    cube = np.random.default_rng(0).normal(size=(*shape, bands)).astype(np.float32)
    info = SceneInfo(path="line", format="array", shape=cube.shape, dtype=cube.dtype, ortho=ortho)
    return Scene(ArraySource(info, cube)), cube


@settings(max_examples=60, deadline=None)
@given(cases())
def test_scores_and_scene_lie_where_the_table_says(case):
    shape, (row, col), window = case
    scene, cube = scene_of(shape, table(row, col))
    assert np.array_equal(
        orthorectified(cube[..., 0], scene.ortho), by_hand(cube[..., 0], row, col), equal_nan=True
    )
    shown = ortho_scene(scene)
    assert shown.info.transform == TRANSFORM
    for band in range(3):
        expected = by_hand(cube[..., band], row, col)
        assert np.array_equal(shown.read()[..., band], expected, equal_nan=True)

    inside = np.full(shape, np.nan, np.float32)
    inside[window.rows, window.cols] = cube[window.rows, window.cols, 0]
    expected = by_hand(inside, row, col)
    part = scene.select(window=window)
    if window == Window(0, 0, shape[1], shape[0]):
        assert part.ortho.shape == row.shape
        return
    if np.isnan(expected).all():
        with pytest.raises(SceneError, match="no pixel of the window lies on its map"):
            _ = part.ortho
        return
    found = orthorectified(cube[window.rows, window.cols, 0], part.ortho)
    hit = np.argwhere(~np.isnan(expected))
    (top, left), (bottom, right) = hit.min(axis=0), hit.max(axis=0) + 1
    assert np.array_equal(found, expected[top:bottom, left:right], equal_nan=True)
    a, b, c, d, e, f = TRANSFORM
    assert part.ortho.transform == pytest.approx((a, b, c + a * left + b * top, d, e, f + d * left + e * top))


def test_a_table_that_points_outside_is_refused():
    row = np.array([[0, 7]])
    scene, cube = scene_of((4, 4), table(row, np.zeros_like(row)))
    with pytest.raises(SceneError, match="points outside the scene"):
        orthorectified(cube[..., 0], scene.ortho)


def test_a_score_map_tells_on_which_grid_it_lies():
    row = np.arange(12).reshape(3, 4) % 5
    scene, _ = scene_of((5, 6), table(row, row))
    assert as_scored(scene, (5, 6)) is scene
    assert as_scored(scene, (3, 4)).shape == (3, 4, 3)
    assert as_scored(scene, (9, 9)) is scene
    plain, _ = scene_of((5, 6), None)
    assert ortho_scene(plain) is plain
    assert as_scored(plain, (3, 4)) is plain


def test_a_view_of_the_whole_scene_has_the_whole_map():
    row = np.full((3, 4), -1)
    scene, _ = scene_of((5, 6), table(row, row))
    assert scene.ortho.shape == (3, 4)
    assert ortho_of_window(table(row, row), scene.window, scene.source.info).shape == (3, 4)
