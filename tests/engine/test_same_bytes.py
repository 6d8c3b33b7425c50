"""The same scene and seed give the same bytes, whatever the memory, the threads and the engine."""

from __future__ import annotations

import numpy as np
import pytest

import had_cli
from had_cli.engine import derived, passes, statistics
from had_cli.engine.executor import Executor
from had_cli.engine.memory import parse_size
from had_cli.engine.reductions import Joint, SecondMoments
from had_cli.scenes.open import open_scene

ROWS, COLS, BANDS = 210, 190, 30
RUNS = [
    {"engine": "memory", "memory": "1GB", "threads": 2},
    {"engine": "memory", "memory": "50MB", "threads": 1},
    {"engine": "stream", "memory": "1GB", "threads": 1},
    {"engine": "stream", "memory": "50MB", "threads": 2},
    {"engine": "stream", "memory": "300KB", "threads": 2},
]


@pytest.fixture(scope="module")
def cube():
    rng = np.random.default_rng(4)
    mixing = rng.normal(size=(5, BANDS))
    values = (
        3000 + 400 * rng.normal(size=(ROWS, COLS, 5)) @ mixing + 30 * rng.normal(size=(ROWS, COLS, BANDS))
    )
    values = values.astype(np.int16)
    values[50:90, 20:45] = -9999
    values[3, 4, 7] = -9999
    return values


@pytest.fixture(scope="module", params=["bil", "bsq", "bip", "tif"])
def path(request, cube, tmp_path_factory):
    from had_cli.scenes.output import create_raster
    from had_cli.scenes.source import SceneInfo, Window

    suffix = "tif" if request.param == "tif" else "hdr"
    path = tmp_path_factory.mktemp("scene") / f"scene.{suffix}"
    info = SceneInfo(
        path=str(path),
        format="ENVI",
        shape=cube.shape,
        dtype=cube.dtype,
        nodata=-9999,
        interleave=request.param if suffix == "hdr" else None,
    )
    with create_raster(path, info, cube.dtype) as sink:
        sink.write(Window(0, 0, COLS, ROWS), cube)
    return path


@pytest.fixture
def ferd_scene(cube, tmp_path):
    np.save(tmp_path / "scene.npy", cube[:50, :70])
    return tmp_path / "scene.npy"


def scored(path, monkeypatch, method, run, **params):
    monkeypatch.setattr(passes, "cores", lambda: run["threads"])
    with open_scene(path) as scene:
        found = had_cli.detect(
            scene, method, engine=run["engine"], memory=run["memory"], device="cpu", **params
        )
    return found.scores.tobytes()


@pytest.mark.parametrize(("method", "params"), [("grx", {"shrinkage": "oas"}), ("slrx", {"block_size": 6})])
@pytest.mark.parametrize("small", [2**25, 0], ids=["double", "single"])
def test_scores_do_not_depend_on_the_machine(path, monkeypatch, method, params, small):
    monkeypatch.setattr(statistics, "SMALL", small)
    found = {scored(path, monkeypatch, method, run, **params) for run in RUNS}
    assert len(found) == 1


@pytest.mark.parametrize("scoring", ["grx", "slrx"])
def test_ferd_does_not_depend_on_the_machine(ferd_scene, monkeypatch, scoring):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(derived, "CELL", 32)  # several squares in a scene that is soon scored
    threads, found = torch.get_num_threads(), set()
    try:
        for run in ({"engine": "memory", "memory": "1GB"}, {"engine": "stream", "memory": "50MB"}):
            for count in (1, 2):
                torch.set_num_threads(count)
                parts = {**run, "threads": count}
                found.add(scored(ferd_scene, monkeypatch, "ferd", parts, scoring=scoring))
    finally:
        torch.set_num_threads(threads)
    assert len(found) == 1


def test_statistics_and_samples_do_not_depend_on_the_machine(path, monkeypatch):
    found = set()
    for run in RUNS:
        monkeypatch.setattr(passes, "cores", lambda run=run: run["threads"])
        options = {"stream": run["engine"] == "stream", "memory": parse_size(run["memory"])}
        with open_scene(path) as scene, Executor(scene, **options) as run_:
            sample = run_.sample(500)
            (moments,) = run_.reduce(Joint((SecondMoments(),)))
        found.add(sample.tobytes() + moments.mean.tobytes() + moments.scatter.tobytes())
    assert len(found) == 1


def test_a_piece_that_memory_does_not_hold_is_told(cube):
    found = had_cli.detect(cube, "grx", engine="stream", memory="100KB")
    assert any("takes" in line and "more than --memory allows (0.1 MB)" in line for line in found.warnings)
