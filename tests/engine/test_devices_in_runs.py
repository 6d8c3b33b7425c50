"""The same code runs on torch; a device that runs out of memory is left step by step, and this is told."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from had_cli.engine import worker
from had_cli.engine.executor import Executor
from had_cli.engine.reductions import GlobalExtrema
from had_cli.scenes.scene import Scene
from had_grx.detector import detect as grx
from had_slrx.detector import detect as slrx

GRX = SimpleNamespace(shrinkage="none", shrinkage_weight=0.0, components=None, algorithm="rxd")


class SmallDevice:
    """numpy that pretends to be a device with room for ``limit`` values."""

    def __init__(self, limit):
        self.limit = limit

    def __getattr__(self, name):
        return getattr(np, name)

    def asarray(self, array, device=None, **options):
        if np.size(array) > self.limit:
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return np.asarray(array, **options)


class BandSum:
    def __call__(self, block):
        return block.xp.sum(block.core_of(block.cube), axis=-1)


@pytest.fixture
def scene():
    cube = np.random.default_rng(1).normal(size=(70, 60, 12)).astype(np.float32)
    cube[10:12, 3:9] = np.nan
    return Scene.from_array(cube)


def small_device(monkeypatch, limit):
    monkeypatch.setattr(worker, "namespace", lambda device: np if device == "cpu" else SmallDevice(limit))


@pytest.mark.parametrize("method", [grx, slrx])
def test_torch_and_numpy_agree(method, scene):
    pytest.importorskip("torch")
    params = GRX if method is grx else SimpleNamespace(block_size=7)
    with Executor(scene) as run:
        expected = method(run, params)
    with Executor(scene, device="cpu:0") as run:  # a device of torch's, whatever this machine has
        np.testing.assert_allclose(method(run, params), expected, rtol=1e-6, atol=1e-7)


def test_smaller_blocks_when_the_device_runs_out_of_memory(monkeypatch, scene):
    small_device(monkeypatch, 1500 * 12)
    with Executor(scene) as run:
        expected, extrema = run.map(BandSum()), run.reduce(GlobalExtrema())
    with Executor(scene, device="cuda:0") as run:
        np.testing.assert_array_equal(run.map(BandSum()), expected)
        assert run.reduce(GlobalExtrema()) == extrema
        assert run.device == "cuda:0"
        assert "cuda:0 ran out of memory: continuing with smaller blocks" in run.warnings


def test_the_cpu_when_even_a_small_block_is_too_much(monkeypatch, scene):
    small_device(monkeypatch, 10)
    with Executor(scene) as run:
        expected = run.map(BandSum())
    with Executor(scene, device="cuda:0") as run:
        np.testing.assert_array_equal(run.map(BandSum()), expected)
        assert run.device == "cpu"
        assert any("continuing on the CPU" in line for line in run.warnings)


def test_halo_and_alignment_survive_smaller_blocks(monkeypatch, scene):
    small_device(monkeypatch, 2500 * 12)
    params = SimpleNamespace(block_size=7)
    with Executor(scene) as run:
        expected = slrx(run, params)
    with Executor(scene, device="cuda:0") as run:
        np.testing.assert_allclose(slrx(run, params), expected, rtol=1e-6, atol=1e-7)


def test_other_errors_are_not_taken_for_lack_of_memory(scene):
    class Broken:
        def __call__(self, block):
            raise ValueError("a mistake in the method")

    with Executor(scene) as run, pytest.raises(ValueError, match="a mistake in the method"):
        run.map(Broken())
