"""Raw arrays in files: any selection, whatever way of reading the cost model picks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli.errors import SceneError
from had_cli.formats import slab
from had_cli.formats.slab import ORDERS, Slab
from had_cli.scenes.source import Window

CUBE = np.arange(7 * 9 * 5, dtype=">i4").reshape(7, 9, 5)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slab")
    for order, axes in ORDERS.items():
        (folder / order).write_bytes(b"junk!" + CUBE.transpose(axes).tobytes())
    return folder


def spans(length):
    return st.integers(0, length - 1).flatmap(lambda a: st.integers(1, length - a).map(lambda n: (a, n)))


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=60, deadline=None)
@given(
    rows=spans(7),
    cols=spans(9),
    bands=st.none() | st.sets(st.integers(0, 4), min_size=1),
    seek=st.sampled_from([0, 8, 64, 1 << 20]),
    chunk=st.sampled_from([4, 40, 200, 1 << 20]),
)
def test_reads_what_numpy_would_slice(files, order, rows, cols, bands, seek, chunk):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slab, "SEEK", seek)
        patch.setattr(slab, "CHUNK", chunk)
        opened = Slab(files / order, CUBE.shape, CUBE.dtype, order, offset=5)
        window = Window(cols[0], rows[0], cols[1], rows[1])
        index = None if bands is None else np.array(sorted(bands))
        block = opened.read(window, index)
        opened.close()
    expected = CUBE[window.rows, window.cols]
    np.testing.assert_array_equal(block, expected if index is None else expected[..., index])
    assert block.dtype == np.dtype("i4")


@pytest.mark.parametrize("order", ORDERS)
def test_writes_windows_in_any_order(tmp_path, order):
    path = tmp_path / "raw"
    path.write_bytes(bytes(CUBE.nbytes + 3))
    opened = Slab(path, CUBE.shape, CUBE.dtype, order, offset=3, writable=True)
    for window in (Window(4, 3, 5, 4), Window(0, 0, 9, 3), Window(0, 3, 4, 4)):
        opened.write(window, CUBE[window.rows, window.cols])
    np.testing.assert_array_equal(opened.read(Window(0, 0, 9, 7), None), CUBE)
    opened.close()


def test_unwanted_bytes_are_not_held(files, monkeypatch):
    monkeypatch.setattr(slab, "CHUNK", 64)
    largest = 0
    empty = np.empty

    def watched(shape, dtype):
        nonlocal largest
        array = empty(shape, dtype)
        largest = max(largest, array.nbytes)
        return array

    monkeypatch.setattr(slab.np, "empty", watched)
    opened = Slab(files / "bil", CUBE.shape, CUBE.dtype, "bil", offset=5)
    opened.read(Window(0, 0, 1, 7), np.array([0]))
    opened.close()
    assert largest <= 9 * 5 * 4  # one row of the file, the least that lies between two wanted pixels


def test_a_file_cut_while_it_is_read_is_one_line(tmp_path):
    path = tmp_path / "raw"
    path.write_bytes(bytes(20))
    opened = Slab(path, (7, 9, 5), np.dtype("i4"), "bip")
    with pytest.raises(SceneError, match="raw: the file ended early"):
        opened.read(Window(0, 0, 9, 7), None)
    opened.close()
