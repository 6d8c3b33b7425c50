"""A scene is cut so that every pixel is answered for once, with the halo it needs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from had_cli.engine.blocks import block_shape, halves, windows, with_halo
from had_cli.scenes.source import Window

sizes = st.integers(1, 90)


@given(
    rows=sizes,
    cols=sizes,
    pixels=st.integers(1, 5000),
    align=st.integers(1, 9),
    halo=st.integers(0, 9),
    natural=st.none() | st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_blocks_cover_every_pixel_once_and_begin_at_multiples(rows, cols, pixels, align, halo, natural):
    shape = block_shape(rows, cols, pixels, align=align, halo=halo, natural=natural)
    covered = np.zeros((rows, cols), int)
    for core in windows(rows, cols, shape):
        assert core.row % align == 0
        assert core.col % align == 0
        covered[core.rows, core.cols] += 1
        outer, inner = with_halo(core, halo, rows, cols)
        assert (outer.row + inner.row, outer.col + inner.col) == (core.row, core.col)
        assert outer.row == max(0, core.row - halo)
        assert outer.col + outer.width == min(cols, core.col + core.width + halo)
    assert (covered == 1).all()


@given(rows=sizes, cols=sizes, pixels=st.integers(200, 5000), halo=st.integers(0, 3))
def test_blocks_with_their_halo_keep_to_the_pixels_allowed(rows, cols, pixels, halo):
    shape = block_shape(rows, cols, pixels, halo=halo)
    for core in windows(rows, cols, shape):
        outer, _ = with_halo(core, halo, rows, cols)
        assert outer.width * outer.height <= pixels


def test_whole_rows_are_preferred_where_there_is_no_halo():
    assert block_shape(1000, 300, 3000) == (10, 300)


def test_a_tiled_file_is_read_in_whole_tiles():
    height, width = block_shape(4096, 4096, 300 * 4096, natural=(256, 256))
    assert height % 256 == 0
    assert width % 256 == 0
    assert height * width <= 300 * 4096


def test_a_tile_that_is_too_large_is_cut_into_equal_parts():
    assert block_shape(4096, 4096, 200 * 200, natural=(256, 256)) == (128, 128)
    assert block_shape(4096, 4096, 100 * 100, natural=(256, 90)) == (85, 90)


def test_a_halo_makes_near_squares_of_a_wide_scene():
    height, width = block_shape(5000, 60_000, 250_000, align=8, halo=8)
    assert height == width == 480


@given(width=st.integers(1, 60), height=st.integers(1, 60), align=st.integers(1, 20))
def test_halves_cover_the_core_at_multiples_of_align(width, height, align):
    core = Window(3 * align, 5 * align, width, height)
    parts = halves(core, align)
    if parts is None:
        assert width <= align
        assert height <= align
        return
    first, second = parts
    assert first.width * first.height + second.width * second.height == width * height
    assert min(second.width, second.height) >= 1
    assert second.row % align == 0
    assert second.col % align == 0


@pytest.mark.parametrize("cols", [60, 60_000])
def test_narrow_and_wide_scenes_give_sensible_blocks(cols):
    height, width = block_shape(60_000, cols, 80_000)
    assert 10_000 <= height * width <= 80_000
