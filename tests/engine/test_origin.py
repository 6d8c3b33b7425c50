"""Scenes far from zero, in types of more digits than single precision has: the scores have all of theirs."""

import itertools

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import had_cli
from had_cli.scenes.origin import origin_of
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

UNHURRIED = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WIDE = ("f8", ">f8", "i4", "u4", "i8")
NARROW = ("u1", "i2", "u2", "f4", ">f4", "f2")


def counts(seed=0, rows=24, cols=20, bands=6, high=4000):
    """Correlated counts, all of them integers, with an anomaly in the middle."""
    random = np.random.default_rng(seed)
    cube = random.normal(size=(rows, cols, 2)) @ random.normal(size=(2, bands)) * 300
    cube += random.normal(size=(rows, cols, bands)) * 40 + high / 2
    cube[rows // 2, cols // 2] += random.permutation(bands) * 400
    return np.rint(np.clip(cube, 0, high))


def scores(cube, method="grx", **options):
    return had_cli.detect(cube, method, **options).scores


@pytest.mark.parametrize("dtype", NARROW)
@pytest.mark.parametrize("invariance", ["none", "scene", "bands"])
def test_types_that_single_precision_holds_are_left_alone(dtype, invariance):
    scene = Scene.from_array((counts(high=200) / 2 + 60).astype(dtype))
    scene.source.read = None  # not a pixel is looked at
    assert origin_of(scene, invariance) is None


@pytest.mark.parametrize("dtype", WIDE)
def test_wide_types_near_zero_are_left_alone(dtype):
    assert origin_of(Scene.from_array(counts().astype(dtype)), "bands") is None


def test_counts_that_single_precision_holds_are_left_alone():
    assert origin_of(Scene.from_array((counts(high=50) + 2**23).astype("i4")), "bands") is None


@UNHURRIED
@given(
    dtype=st.sampled_from(WIDE),
    offsets=st.lists(st.integers(0, 2 * 10**9), min_size=6, max_size=6),
    seed=st.integers(0, 5),
)
def test_grx_does_not_depend_on_an_offset_of_each_band(dtype, offsets, seed):
    near = counts(seed)
    far = (near + np.array(offsets)).astype(dtype)
    np.testing.assert_array_equal(far - np.array(offsets), near)  # the type itself loses nothing
    np.testing.assert_allclose(scores(far), scores(near.astype("f4")), rtol=1e-5)


@UNHURRIED
@given(
    method=st.sampled_from(["grx", "slrx", "ssf"]),
    dtype=st.sampled_from(WIDE),
    offset=st.integers(10**6, 2 * 10**9),
    seed=st.integers(0, 5),
)
def test_no_method_depends_on_an_offset_of_the_scene(method, dtype, offset, seed):
    near = counts(seed)
    agree(method, scores((near + offset).astype(dtype), method), scores(near.astype("f4"), method))


@UNHURRIED
@given(method=st.sampled_from(["grx", "slrx", "ssf"]), power=st.integers(-40, 40), seed=st.integers(0, 5))
def test_nor_on_a_scale_behind_the_offset(method, power, seed):
    near = counts(seed)
    found = scores((near + 3e8) * 2.0**power, method)
    agree(method, found, scores(near.astype("f4"), method))


def agree(method, found, expected):
    """Hold scores equal; log-ranks but for a few neighbours in rank, which rounding may exchange."""
    error = np.abs(found - expected)
    differ = error > 1e-5 + 1e-4 * np.abs(expected)
    assert np.count_nonzero(differ) <= (4 if method == "ssf" else 0), error[differ]


@pytest.mark.parametrize("algorithm", ["utd", "rxd-utd"])
def test_what_is_not_invariant_takes_the_origin_into_account(algorithm):
    far = counts() + 1e9 * np.arange(1, 7)
    pixels = far.reshape(-1, 6)
    mean = pixels.mean(axis=0)
    inverse = np.linalg.inv(np.cov(pixels - mean, rowvar=False))
    matched = (pixels - mean) @ inverse @ (1 - mean)
    expected = matched if algorithm == "utd" else np.sum((pixels - mean) @ inverse * (pixels - 1), axis=1)
    found = scores(far, algorithm=algorithm).ravel()
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6 * np.abs(expected).max())


def test_engines_windows_and_bands_agree(tmp_path):
    far = counts(rows=60) + 1e9
    np.save(tmp_path / "far.npy", far)
    found = {
        engine: had_cli.detect(tmp_path / "far.npy", "grx", engine=engine).scores
        for engine in ("memory", "stream")
    }
    np.testing.assert_array_equal(found["memory"], found["stream"])
    with had_cli.open_scene(tmp_path / "far.npy") as scene:
        part = scene.select(bands=[0, 2, 4], window=Window(3, 5, 12, 20))
        there = had_cli.detect(part, "grx").scores
    np.testing.assert_allclose(there, scores(far[5:25, 3:15, ::2]), rtol=1e-6)


def test_workers_take_off_the_same(tmp_path):
    pytest.importorskip("distributed")
    np.save(tmp_path / "far.npy", counts(rows=60) + 1e9)
    run = {
        engine: had_cli.detect(tmp_path / "far.npy", "grx", engine=engine) for engine in ("memory", "dask")
    }
    np.testing.assert_array_equal(run["memory"].scores, run["dask"].scores)


def test_nodata_and_constant_bands_are_those_of_the_file(tmp_path):
    far = np.dstack([counts() + 1e9, np.full((24, 20), 7e8)])
    far[:3] = -9999
    scene = Scene.from_array(far, nodata=-9999.0)
    found = had_cli.detect(scene, "grx")
    assert np.isnan(found.scores[:3]).all()
    assert found.scene.shape[2] == 6
    assert found.scene.origin is None
    np.testing.assert_array_equal(found.scene.read(Window(0, 5, 1, 1)), far[5:6, :1, :6].astype("f4"))
    np.testing.assert_allclose(found.scores[3:], scores(counts()[3:].astype("f4")), rtol=1e-5)


def test_a_band_that_varies_in_digits_beyond_single_precision_is_not_constant():
    """Rounded to 64, all of 1e9 + noise would be one value."""
    fine = counts(high=40)
    assert had_cli.detect(fine + 1e9, "grx").scene.shape[2] == 6


def test_other_methods_read_the_scene_as_it_is():
    scene = Scene.from_array(counts() + 1e9)
    assert origin_of(scene, "none") is None
    for a, b in itertools.pairwise(origin_of(scene, "scene")):
        assert a == b
