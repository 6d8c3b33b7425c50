"""The pieces of a pass follow from the scene alone; memory decides how many are read together."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from had_cli.engine.blocks import with_halo
from had_cli.engine.partition import MOST_PIXELS, PIECE, partition

sizes = st.integers(1, 70)
naturals = st.none() | st.tuples(st.integers(1, 40), st.integers(1, 40))


@given(
    rows=sizes,
    cols=sizes,
    pixels=st.integers(1, 3000),
    align=st.integers(1, 9),
    halo=st.integers(0, 6),
    natural=naturals,
)
def test_pieces_cover_every_pixel_once_and_begin_at_multiples(rows, cols, pixels, align, halo, natural):
    parts = partition((rows, cols, 3), natural=natural, halo=halo, align=align, pixels=pixels)
    covered = np.zeros((rows, cols), int)
    for piece in parts.pieces():
        assert piece.row % align == 0
        assert piece.col % align == 0
        around, _ = with_halo(piece, halo, rows, cols)
        assert around.width * around.height <= parts.largest
        covered[piece.rows, piece.cols] += 1
    assert (covered == 1).all()


@given(
    rows=sizes,
    cols=sizes,
    pixels=st.integers(1, 1000),
    read=st.integers(1, 5000),
    halo=st.integers(0, 6),
    natural=naturals,
)
def test_whatever_is_read_at_once_the_pieces_and_their_order_stay(rows, cols, pixels, read, halo, natural):
    parts = partition((rows, cols, 3), natural=natural, halo=halo, pixels=pixels)
    found = []
    for window, pieces in parts.reads(read):
        assert len(pieces) == 1 or window.width * window.height <= read
        for piece in pieces:
            assert window.row <= max(0, piece.row - halo)
            assert window.col <= max(0, piece.col - halo)
            assert window.row + window.height >= min(rows, piece.row + piece.height + halo)
            assert window.col + window.width >= min(cols, piece.col + piece.width + halo)
        found += pieces
    assert found == list(parts.pieces())


@pytest.mark.parametrize(
    ("rows", "cols", "bands"), [(60_000, 60, 425), (50, 60_000, 102), (900, 900, 1), (5, 7, 5000)]
)
def test_pieces_of_odd_scenes_are_of_a_sensible_size(rows, cols, bands):
    parts = partition((rows, cols, bands))
    assert parts.largest <= MOST_PIXELS
    assert parts.largest * bands * 4 <= PIECE
    assert parts.largest >= min(rows * cols, MOST_PIXELS, PIECE // (4 * bands)) // 4


def test_tiles_of_a_file_are_cut_one_by_one_and_read_together_where_memory_allows():
    parts = partition((1024, 1024, 200), natural=(256, 256))
    pieces = list(parts.pieces())
    in_first_tile = [p for p in pieces if p.row < 256 and p.col < 256]
    assert pieces[: len(in_first_tile)] == in_first_tile
    assert [window for window, _ in parts.reads(256 * 1024)] == [
        (0, r, 1024, 256) for r in range(0, 1024, 256)
    ]
    assert [window for window, _ in parts.reads(256 * 512)][:2] == [(0, 0, 512, 256), (512, 0, 512, 256)]
