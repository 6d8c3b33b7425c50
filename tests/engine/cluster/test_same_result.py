"""A cluster gives the bytes that one machine gives, also where workers die."""

import os
import signal
from types import SimpleNamespace

import generate
import numpy as np
import pytest

import had_cli
import had_grx.detector
import had_slrx.detector
import had_ssf.detector
from had_cli.detection.parameters import method_params
from had_cli.engine.cluster import cutting
from had_cli.engine.cluster.executor import ClusterExecutor
from had_cli.engine.executor import Executor
from had_cli.scenes.open import open_scene

NODATA = -9999
FILES = {
    "bil": lambda folder, cube: generate.write_envi(folder / "s.hdr", cube, data_ignore_value=NODATA),
    "tiled": lambda folder, cube: generate.write_geotiff(
        folder / "s.tif", cube, "pixel", tiled=True, nodata=NODATA
    ),
}
METHODS = {
    "grx": (had_grx.detector.detect, {"shrinkage": "ledoit-wolf"}),
    "slrx": (had_slrx.detector.detect, {"block_size": 3}),
    "ssf": (had_ssf.detector.detect, {}),
}


def method_of(name):
    """Return a method's function and all its parameters."""
    function, given = METHODS[name]
    return function, SimpleNamespace(**method_params(name, given))


@pytest.fixture(scope="module")
def paths(cube, tmp_path_factory):
    return {name: write(tmp_path_factory.mktemp(name), cube) for name, write in FILES.items()}


@pytest.mark.parametrize(
    ("file", "method", "pixels"),
    [("bil", "grx", 137), ("tiled", "grx", 350), ("bil", "slrx", 350), ("tiled", "ssf", 997)],
)
def test_blocks_that_do_not_divide_the_scene(paths, cube, cluster, file, method, pixels):
    (function, params), path = method_of(method), paths[file]
    mask = np.zeros(cube.shape[:2], bool)
    mask[20:80, 15:60] = True  # statistics of some pixels alone
    with open_scene(path, background=mask if method == "grx" else None) as scene:
        with Executor(scene, block_pixels=pixels) as run:
            whole = function(run, params)
        with Executor(scene, block_pixels=pixels, stream=True) as run:
            streamed = function(run, params)
        with ClusterExecutor(scene, cluster, block_pixels=pixels) as run:
            spread = function(run, params)
            assert run.warnings == []
            assert run.read_here == 0
    np.testing.assert_array_equal(np.isnan(spread), (cube == NODATA).any(axis=2))
    np.testing.assert_allclose(spread, whole, rtol=1e-5)
    np.testing.assert_array_equal(spread, streamed)  # more than was asked for, and what is promised


@pytest.mark.parametrize("scoring", ["grx", "slrx"])
def test_a_network_on_a_part_of_a_scene_by_a_client_of_ones_own(paths, cluster, scoring):
    """Workers see the bands, the mask and the pixels of the view, and not those of the file."""
    mask = np.random.default_rng(5).random((40, 30)) > 0.2
    found = {}
    with open_scene(paths["bil"], bands="1-25,28", window=(13, 30, 30, 40), mask=mask) as scene:
        for engine in ("memory", "stream", "dask"):
            options = {"scheduler": cluster.client} if engine == "dask" else {}
            found[engine] = had_cli.detect(
                scene, "ferd", engine=engine, device="cpu", scoring=scoring, **options
            )
    assert found["dask"].engine == "dask"
    assert found["dask"].facts == found["stream"].facts
    for engine in ("memory", "stream"):
        np.testing.assert_allclose(found["dask"].scores, found[engine].scores, rtol=1e-5)


@pytest.mark.parametrize(
    ("method", "label", "pixels"),
    [("slrx", "statistics", 350), ("slrx", "distances", 350), ("ssf", "survey", 2000)],
)
def test_a_worker_that_is_killed_on_the_way(paths, cluster, monkeypatch, method, label, pixels):
    """SSF keeps averages of the scene on the workers as well: what was lost is computed again."""
    monkeypatch.setattr(cutting, "TASK", 20_000)  # many tasks
    monkeypatch.setattr(cutting, "WHOLE", 0)
    function, params = method_of(method)
    with open_scene(paths["bil"]) as scene:
        with Executor(scene, block_pixels=pixels, stream=True) as run:
            streamed = function(run, params)
        cluster.client.wait_for_workers(2, timeout=120)  # another one takes the place of one that was killed
        living = sorted(cluster.client.run(os.getpid).values())
        killed = []

        def kill(at, fraction):
            if at == label and fraction > 0.3 and not killed:
                killed.append(living[0])
                os.kill(living[0], signal.SIGKILL)

        with ClusterExecutor(scene, cluster, block_pixels=pixels, progress=kill) as run:
            spread = function(run, params)
    assert killed
    np.testing.assert_array_equal(spread, streamed)
