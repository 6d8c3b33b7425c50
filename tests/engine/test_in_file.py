"""Raw files are read again in every pass, from what the system keeps of them, and give the same bytes."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from had_cli import detect
from had_cli.engine import passes, reading
from had_cli.engine.executor import Executor
from had_cli.engine.reading import InFile
from had_cli.engine.worker import _together
from had_cli.formats.slab import ORDERS, Slab
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene, valid_pixels
from had_cli.scenes.source import Window
from had_cli.scenes.stored import Stored

ROWS, COLS, BANDS = 37, 23, 11


@pytest.fixture(params=["bil", "bip", "bsq"])
def header(request, tmp_path):
    cube = np.random.default_rng(3).integers(0, 3000, (ROWS, COLS, BANDS)).astype("<i2")
    cube[5:9, :7] = -9999
    cube[20, 20, 4] = -9999
    cube.transpose(ORDERS[request.param]).tofile(tmp_path / "scene.img")
    path = tmp_path / "scene.hdr"
    path.write_text(
        f"ENVI\nsamples = {COLS}\nlines = {ROWS}\nbands = {BANDS}\nheader offset = 0\ndata type = 2\n"
        f"interleave = {request.param}\nbyte order = 0\ndata ignore value = -9999\n"
    )
    return path


def needs_a_system_that_tells(path):
    with open_scene(path) as scene:
        if InFile.of(scene) is None:
            pytest.skip("the system does not tell what it keeps of a file")


@pytest.mark.parametrize(("method", "options"), [("grx", {}), ("slrx", {"block_size": 5})])
@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize("hot", [1, 2**20])
def test_the_scores_are_those_of_a_scene_that_is_kept(header, method, options, engine, hot, monkeypatch):
    needs_a_system_that_tells(header)
    monkeypatch.setattr(reading, "HOT", hot)
    from_file = detect(header, method, engine=engine, **options)
    monkeypatch.setattr(passes.InFile, "of", lambda _scene: None)
    kept = detect(header, method, engine="memory", **options)
    assert from_file.scores.tobytes() == kept.scores.tobytes()
    assert np.isnan(kept.scores[5:9, :7]).all()
    assert np.isnan(kept.scores[20, 20])


def test_a_file_that_the_system_keeps_is_not_kept_twice(header):
    needs_a_system_that_tells(header)
    with open_scene(header) as scene, Executor(scene, stream=False) as run:
        assert run._kept is None


def test_a_file_that_the_system_does_not_keep_is(header, monkeypatch):
    def cannot(*_args):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(Slab, "in_memory", lambda *_: False)
    with open_scene(header) as scene, Executor(scene, stream=False) as run:
        assert run._kept is not None
    monkeypatch.undo()
    with open_scene(header) as scene:
        monkeypatch.setattr(os, "preadv", cannot, raising=False)
        assert not scene.source.in_memory(Window(0, 0, 1, 1))


def test_threads_read_at_once_and_do_not_mix(header):
    with open_scene(header) as scene, ThreadPoolExecutor(4) as pool:
        whole = scene.read()
        places = [Window(c, r, 5, 3) for r in range(0, 30, 3) for c in range(0, 15, 5)] * 20
        for place, cube in zip(places, pool.map(scene.read, places), strict=True):
            np.testing.assert_array_equal(cube, whole[place.rows, place.cols])


@pytest.mark.parametrize("order", ORDERS)
@given(
    place=st.tuples(st.integers(0, 6), st.integers(0, 8), st.integers(1, 3), st.integers(1, 3)),
    bands=st.none() | st.sets(st.integers(0, 4), min_size=1),
    seek=st.sampled_from([0, 16, 10_000]),
)
def test_what_is_expected_is_what_will_be_read(tmp_path_factory, order, place, bands, seek):
    row, col, height, width = place
    window = Window(col, row, min(width, 9 - col), min(height, 7 - row))
    index = None if bands is None else np.array(sorted(bands))
    path = tmp_path_factory.getbasetemp() / f"expected-{order}"
    values = np.zeros((7, 9, 5), "i4")
    values[window.rows, window.cols, slice(None) if index is None else index] = 1
    path.write_bytes(b"head" + values.transpose(ORDERS[order]).tobytes())
    slab = Slab(path, values.shape, values.dtype, order, offset=4)
    asked = np.zeros(path.stat().st_size, bool)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("had_cli.formats.slab.SEEK", seek)
        patch.setattr(os, "POSIX_FADV_WILLNEED", 3, raising=False)
        patch.setattr(
            os,
            "posix_fadvise",
            lambda _file, start, length, _advice: asked.__setitem__(slice(start, start + length), True),
            raising=False,
        )
        slab.expect(window, index)
    slab.close()
    wanted = np.frombuffer(path.read_bytes()[4:], "i4").repeat(4) == 1
    assert not asked[:4].any()
    assert asked[4:][wanted].all()
    if not seek:
        assert not asked[4:][~wanted].any()


@given(valid=st.lists(st.booleans(), min_size=1, max_size=40), own=st.booleans())
def test_valid_pixels_are_handed_over_together(valid, own):
    cube = np.arange(3.0 * len(valid), dtype=np.float32).reshape(1, -1, 3)
    before, keep = cube.copy(), np.array(valid)
    found = _together(cube.copy() if own else cube, keep)
    assert sorted(map(tuple, found)) == sorted(map(tuple, before[0, keep]))
    assert (cube == before).all()  # a cube that others share is left as it was


def test_memory_of_its_own_is_used_up_instead_of_copied():
    cube = np.arange(30, dtype=np.float32).reshape(10, 3).copy()[None].copy()
    assert np.shares_memory(_together(cube, np.arange(10) != 4), cube)


@pytest.mark.parametrize("dtype", ["i1", "u2", "i4", "f4", "f8"])
@pytest.mark.parametrize("nodata", [None, 7, (7, None, 3)])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("put", [False, True])
def test_a_block_is_its_pixels_and_which_are_valid(dtype, nodata, scaled, masked, put):
    random = np.random.default_rng(0)
    raw = random.integers(0, 20, (6, 5, 3)).astype(dtype)
    raw[2:4, 1] = 7
    if raw.dtype.kind == "f":
        raw[0, 0, 1], raw[1, 1] = np.nan, np.inf
    scale = {"scale": np.array([0.5, 2.0, 1.0]), "offset": np.ones(3)} if scaled else {}
    info = Scene.from_array(raw, nodata=nodata, **scale).source.info
    keep = (random.random((6, 5)) > 0.2,) if masked else ()
    stored, part = Stored(Window(10, 20, 5, 6), raw, info, np.arange(3), keep), Window(11, 21, 4, 4)
    expected = stored.pixels(part)
    out = (np.empty((4, 4, 3), np.float32), np.empty((4, 4), bool)) if put else None
    cube, valid = stored.block(part, out)
    np.testing.assert_array_equal(cube, expected)
    np.testing.assert_array_equal(valid, valid_pixels(expected))
    assert not put or cube is out[0]
