"""What a GPU would see of a pass, by a device that counts: few copies to the host, and nothing forgotten."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from test_devices_in_runs import BandSum

from had_cli.engine import passes, worker
from had_cli.engine.devices import namespace
from had_cli.engine.executor import Executor
from had_cli.engine.reductions import Deflation, GlobalExtrema, SecondMoments, principal_components
from had_cli.scenes.scene import Scene
from had_grx.detector import Distance
from had_grx.shrinkage import FourthMoment
from had_grx.whitening import whitening

torch = pytest.importorskip("torch")


@pytest.fixture
def pixels():
    rng = np.random.default_rng(2)
    return (rng.normal(size=(30_000, 8)) @ rng.normal(size=(8, 8)) * 20 + 700).astype(np.float32)


@pytest.fixture
def copies(monkeypatch):
    """Return the list that every copy from a device to the host is noted in."""
    seen = []
    for name in ("cpu", "item", "__float__", "__bool__", "__array__", "tolist", "numpy"):
        original = getattr(torch.Tensor, name)

        def noted(self, *args, _original=original, _name=name, **options):
            seen.append(_name)
            return _original(self, *args, **options)

        monkeypatch.setattr(torch.Tensor, name, noted)
    return seen


@pytest.mark.parametrize("deflated", [False, True])
def test_moments_are_copied_to_the_host_once_per_block(pixels, copies, deflated):
    reduction = SecondMoments(Deflation.of(*principal_components(pixels[::7]), 3) if deflated else None)
    expected = reduction.compute(pixels, np)
    on_device = torch.from_numpy(pixels)
    copies.clear()
    found = reduction.compute(on_device, namespace("cpu:0"))
    assert copies.count("cpu") == 1
    assert not set(copies) & {"item", "__float__", "__bool__", "tolist"}
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found.scatter, expected.scatter, rtol=1e-5, atol=1e-4 * expected.scatter.max())


def test_distances_stay_on_the_device_and_the_estimate_of_shrinkage_comes_back_once(pixels, copies):
    moments = SecondMoments().compute(pixels, np)
    white, xp = whitening(moments.covariance, moments.mean), namespace("cpu:0")
    scene = Scene.from_array(pixels.reshape(150, 200, 8))
    with Executor(scene) as run:
        expected = run.map(Distance(white, "float64"))
    copies.clear()
    cube = torch.from_numpy(pixels).reshape(150, 200, 8)
    block = SimpleNamespace(xp=xp, cube=cube, core_of=lambda values: values)
    scores = Distance(white, "float64")(block)
    assert not copies
    np.testing.assert_allclose(scores.numpy(), expected, rtol=1e-5)
    copies.clear()
    FourthMoment(moments.mean).compute(torch.from_numpy(pixels), xp)
    assert [name for name in copies if name != "__array__"] == ["__float__"]


class Device:
    """numpy that pretends to be a device with room for ``limit`` values and counts what it refuses."""

    def __init__(self, limit):
        self.limit, self.refused, self.taken = limit, 0, []

    def __getattr__(self, name):
        return getattr(np, name)

    def asarray(self, array, device=None, **options):
        if np.size(array) > self.limit:
            self.refused += 1
            raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
        self.taken.append(np.size(array))
        return np.asarray(array, **options)


@pytest.fixture
def device(monkeypatch):
    def build(limit):
        found = Device(limit)
        monkeypatch.setattr(worker, "namespace", lambda device: np if device == "cpu" else found)
        return found

    return build


@pytest.fixture
def scene():
    return Scene.from_array(np.random.default_rng(1).normal(size=(300, 100, 12)).astype(np.float32))


def test_a_size_that_worked_is_remembered_for_the_blocks_that_follow(device, scene):
    small = device(1500 * 12)
    with Executor(scene, device="cuda:0", block_pixels=3000) as run:
        run.map(BandSum())
        assert small.refused == 1
        run.reduce(GlobalExtrema())
        assert small.refused == 2  # another kind of work may need less


def test_once_the_device_is_left_the_cores_of_the_cpu_share_the_pass(device, scene, monkeypatch):
    monkeypatch.setattr(passes, "cores", lambda: 2)
    device(10)
    threads = set()

    class Where:
        def __call__(self, block):
            import threading

            threads.add(threading.current_thread().name)
            return block.core_of(block.cube)[..., 0]

    with Executor(scene, device="cuda:0", block_pixels=500) as run:
        run.map(Where())
        assert run.device == "cpu"
    assert any(name.startswith("had-worker") for name in threads)


@pytest.mark.parametrize("stream", [False, True])
def test_a_run_knows_where_the_features_of_its_scene_are_computed(device, scene, stream):
    device(10)
    with Executor(scene, device="cuda:0", stream=stream) as run:
        features = run.through(BandSumLayer(), bands=1)
        features.reduce(GlobalExtrema())
        assert features.device == run.device == "cpu"
        assert any("continuing on the CPU" in line for line in run.warnings)


class BandSumLayer(BandSum):
    def __call__(self, block):
        return super().__call__(block)[..., None]


def test_what_needs_double_precision_leaves_mps_alone_and_with_a_warning(monkeypatch, scene):
    class Mps:
        def __getattr__(self, name):
            if name == "float64":
                raise TypeError("Cannot convert a MPS Tensor to float64 dtype as MPS has no float64")
            return getattr(np, name)

        def asarray(self, array, device=None, **options):
            return np.asarray(array, **options)

    used = []
    monkeypatch.setattr(worker, "namespace", lambda d: used.append(d) or (np if d == "cpu" else Mps()))
    with Executor(scene) as run:
        expected = run.reduce(SecondMoments())
    with Executor(scene, device="mps") as run:
        found = run.reduce(SecondMoments())
        run.map(BandSum())
        assert run.device == "mps"
        assert run.warnings == [
            "mps has no double precision, which SecondMoments needs: it is computed on the CPU"
        ]
    assert used[-1] == "mps"
    np.testing.assert_allclose(found.scatter, expected.scatter, rtol=1e-9)


@pytest.mark.parametrize(("free", "scale"), [(None, 16), (80 * 2**30, 16), (2**28, 4), (2**20, 1)])
def test_pieces_are_as_large_as_the_memory_of_the_device_allows(monkeypatch, free, scale):
    monkeypatch.setattr(passes, "free_memory", lambda device: free)
    seen = []

    class Size:
        def compute(self, pixels, xp):
            seen.append(len(pixels))
            return 0

        def merge(self, first, second):
            return 0

    scene = Scene.from_array(np.zeros((2000, 2000, 1), np.float32))
    with Executor(scene, device="cpu:0") as run:  # a device of torch's, whatever this machine has
        run.reduce(Size())
    assert 0.9 <= max(seen) / (2**16 * scale) <= 1


def test_tf32_is_kept_away_while_anyone_is_inside_and_put_back_after():
    from had_cli.plugin import full_float32

    cudnn, before = torch.backends.cudnn, torch.backends.cudnn.allow_tf32
    cudnn.allow_tf32 = True
    try:
        first, second = full_float32(), full_float32()
        first.__enter__()
        second.__enter__()  # as from another thread
        assert (cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32) == (False, False)
        assert cudnn.enabled
        first.__exit__(None, None, None)
        assert not cudnn.allow_tf32
        second.__exit__(None, None, None)
        assert cudnn.allow_tf32
        with Executor(Scene.from_array(np.ones((2, 2, 1))), device="cpu:0"):
            assert not cudnn.allow_tf32
        assert cudnn.allow_tf32
    finally:
        cudnn.allow_tf32 = before
