"""Training: patches without truth, an epoch chosen without truth, and the same bytes after a kill."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import small
import torch

from had_cli import detect
from had_cli.detection.parameters import check_params
from had_cli.errors import HadError, UsageError, WeightsError
from had_cli.plugin import host
from had_cli.plugin.testing import example_cube, example_scene
from had_cli.scenes.bands import BandGrid
from had_cli.scenes.scene import Scene
from had_cli.training.checkpoint import FILE
from had_cli.training.job import TrainingJob
from had_cli.training.loop import TrainingLoop
from had_cli.training.train import train
from had_ferd import trainer
from had_ferd.patches import SIDE, STRIP, batch, fixed_patches, hold_out, regions
from had_ferd.weights import from_weights

BANDS = 6
QUICK = {"backbone": "random", "patches": 2, "batch_size": 2, "device": "cpu"}


def scenes(count: int = 4, rows: int = 30, cols: int = 40) -> list[Scene]:
    return [Scene.from_array(example_cube(rows, cols, BANDS, seed=i)[0], name=f"s{i}") for i in range(count)]


def job(some: list[Scene], **changes) -> TrainingJob:
    silent = lambda *_, **__: None  # noqa: E731
    values = {
        "scenes": some,
        "device": "cpu",
        "seed": 0,
        "output": Path("w"),
        "checkpoint": None,
        "resume": False,
        "progress": silent,
        "warn": silent,
    }
    return TrainingJob(**{**values, **changes})


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small.shrink(monkeypatch.setattr)


# -- patches --------------------------------------------------------------------------------------
def test_patches_lie_in_the_range_of_the_network_and_hold_no_invalid_value():
    whole = regions(job([example_scene(90, 120, BANDS)]), BandGrid(BANDS))
    x = batch(whole, 5, np.random.default_rng(0))
    assert x.shape == (5, BANDS, SIDE, SIDE)
    assert x.dtype == torch.float32
    assert torch.isfinite(x).all()
    assert -0.1 - 1e-6 <= x.min() < x.max() <= 0.1 + 1e-6


def test_without_augmentation_a_patch_is_a_piece_of_the_scaled_scene():
    cube = example_cube(70, 80, BANDS)[0]
    whole = regions(job([Scene.from_array(cube)]), BandGrid(BANDS))
    x = batch(whole, 1, np.random.default_rng(0), augment=False)[0].permute(1, 2, 0).numpy()
    scaled = 0.1 * (2 * (cube - cube.min()) / (cube.max() - cube.min()) - 1)
    views = np.lib.stride_tricks.sliding_window_view(scaled, (SIDE, SIDE), axis=(0, 1))
    distance = np.abs(views - x.transpose(2, 0, 1)).max(axis=(2, 3, 4))
    assert distance.min() < 1e-6


def test_a_scene_smaller_than_a_patch_is_reflected():
    whole = regions(job([Scene.from_array(example_cube(51, 20, BANDS)[0])]), BandGrid(BANDS))
    x = batch(whole, 1, np.random.default_rng(0), augment=False)[0]
    assert torch.equal(x[:, :, 20], x[:, :, 18])
    assert torch.equal(x[:, 51], x[:, 49])


def test_of_many_scenes_whole_ones_are_held_out_and_of_few_a_strip():
    many = regions(job(scenes(17)), BandGrid(BANDS))
    train_on, held = hold_out(many, seed=0)
    assert len(held) == 2
    assert {id(r.scene) for r in train_on} | {id(r.scene) for r in held} == {id(r.scene) for r in many}
    assert {id(r.scene) for r in train_on}.isdisjoint(id(r.scene) for r in held)

    few = regions(job(scenes(1, rows=100)), BandGrid(BANDS))
    (above,), (below,) = hold_out(few, seed=0)
    assert (above.window.row, above.window.height) == (0, 100 - STRIP)
    assert (below.window.row, below.window.height) == (100 - STRIP, STRIP)
    assert fixed_patches([below], most=8).shape == (1, BANDS, STRIP, STRIP)

    tiny = regions(job(scenes(1)), BandGrid(BANDS))
    assert hold_out(tiny, seed=0) == (tiny, [])
    assert fixed_patches([], most=8) is None


def test_scenes_of_other_sensors_are_brought_to_the_bands_of_the_first():
    centres = np.linspace(400, 900, BANDS)
    first = Scene.from_array(example_cube(30, 30, BANDS)[0], wavelengths=centres)
    other = Scene.from_array(example_cube(30, 30, 11)[0], wavelengths=np.linspace(400, 900, 11))
    whole = regions(job([first, other]), BandGrid.of(first))
    assert [r.spectra.how for r in whole] == ["none", "wavelength"]
    assert batch(whole, 4, np.random.default_rng(0)).shape[1] == BANDS


# -- the loop -------------------------------------------------------------------------------------
@pytest.mark.usefixtures("_small")
def test_training_gives_weights_that_detect_and_tell_their_history(tmp_path: Path):
    out, told = tmp_path / "w.safetensors", []
    weights = train(
        scenes(), "ferd", out, epochs=3, **QUICK, progress=lambda *a, **numbers: told.append((*a, numbers))
    )
    assert weights.header["bands"] == BANDS
    assert {"kind": "random", "seed": 0}.items() <= weights.header["backbone"].items()
    assert weights.header["selection"] == "least loss on held-out patches"
    assert 1 <= weights.header["metrics"]["epoch"] <= 3
    assert np.isfinite(weights.header["metrics"]["held_out_loss"])
    label, fraction, numbers = told[-1]
    assert (label, fraction) == ("epochs", 1.0)
    assert set(numbers) == {"epoch", "loss", "alignment", "reconstruction", "distillation", "held_out_loss"}
    assert np.isfinite(detect(scenes()[0], "ferd", weights=out, device="cpu").scores).all()


@pytest.mark.usefixtures("_small")
def test_the_teacher_stays_as_it_was_and_the_rest_moves(tmp_path: Path):
    before, after = (
        from_weights(train(scenes(), "ferd", tmp_path / f"{n}", epochs=n, **QUICK))[0].state_dict()
        for n in (0, 1)
    )
    for name, tensor in before.items():
        assert torch.equal(tensor, after[name]) == name.startswith("encoder."), name


@pytest.mark.usefixtures("_small")
def test_truths_are_not_looked_at(tmp_path: Path):
    def labelled(truth):
        return (
            [Scene(s.source, bands=s.bands) for s in scenes()]
            if truth is None
            else [Scene.from_array(s.read(), name=s.name, truth=truth) for s in scenes()]
        )

    def refuse():
        raise AssertionError("the truth was read")

    plain = train(labelled(None), "ferd", tmp_path / "a.safetensors", epochs=1, **QUICK)
    blind = train(labelled(refuse), "ferd", tmp_path / "b.safetensors", epochs=1, **QUICK)
    assert plain.hash == blind.hash


@pytest.mark.usefixtures("_small")
def test_the_seed_decides(tmp_path: Path):
    hashes = [
        train(scenes(), "ferd", tmp_path / f"{i}.safetensors", epochs=1, seed=seed, **QUICK).hash
        for i, seed in enumerate((3, 3, 4))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.usefixtures("_small")
def test_the_epoch_with_the_least_loss_on_held_out_patches_is_kept(tmp_path: Path, monkeypatch):
    held_out = iter([3.0, 1.0, 2.0, 5.0, 4.0, 0.5])
    monkeypatch.setattr(trainer, "held_out_loss", lambda *_: next(held_out))
    weights = train(scenes(), "ferd", tmp_path / "w.safetensors", epochs=9, patience=3, **QUICK)
    assert weights.header["metrics"] == {"epoch": 2, "held_out_loss": 1.0}
    assert weights.header["epochs_trained"] == 5
    two = iter([3.0, 1.0])
    monkeypatch.setattr(trainer, "held_out_loss", lambda *_: next(two))
    shorter = train(scenes(), "ferd", tmp_path / "v.safetensors", epochs=2, patience=3, **QUICK)
    for name, tensor in shorter.tensors.items():
        np.testing.assert_array_equal(weights.tensors[name], tensor)


@pytest.mark.usefixtures("_small")
def test_where_nothing_can_be_held_out_the_user_is_told(tmp_path: Path):
    told = []
    weights = train(scenes(1), "ferd", tmp_path / "w.safetensors", epochs=2, warn=told.append, **QUICK)
    assert "the last epoch is kept" in told[0]
    assert weights.header["selection"] == "last epoch"
    assert weights.header["metrics"] == {"epoch": 2, "held_out_loss": None}


@pytest.mark.usefixtures("_small")
def test_a_training_that_diverges_says_so(tmp_path: Path, monkeypatch):
    from had_ferd.distillation import ReverseDistillation

    real = ReverseDistillation.losses

    def diverged(self, x, found):
        return real(self, x, found)._replace(reconstruction=torch.tensor(float("inf")))

    monkeypatch.setattr(ReverseDistillation, "losses", diverged)
    with pytest.raises(HadError, match=r"diverged in epoch 1 .* lower --learning-rate"):
        train(scenes(), "ferd", tmp_path / "w.safetensors", epochs=1, **QUICK)
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_small")
def test_held_out_patches_leave_no_trace_in_the_network(tmp_path: Path):
    values = SimpleNamespace(
        **check_params(host.method("ferd"), {k: v for k, v in QUICK.items() if k != "device"}, training=True)
    )
    grid, (encoder, backbone) = BandGrid(BANDS), trainer.load_backbone("random", 0)
    network = trainer.ReverseDistillation(BANDS, encoder)
    plan = trainer.plan_of(network, trainer.Patches(job(scenes()), grid, values), grid, values, backbone)
    loop = TrainingLoop(job(scenes()), plan)
    before = {n: t.clone() for n, t in network.state_dict().items()}
    assert plan.validate(loop.network) == plan.validate(loop.network)
    assert all(torch.equal(t, before[n]) for n, t in network.state_dict().items())


# -- interrupted ----------------------------------------------------------------------------------
@pytest.mark.usefixtures("_small")
def test_a_resumed_training_ends_with_the_same_bytes(tmp_path: Path):
    whole = train(scenes(), "ferd", tmp_path / "whole.safetensors", epochs=4, **QUICK)
    state = tmp_path / "state"
    train(scenes(), "ferd", tmp_path / "half.safetensors", epochs=2, checkpoint=state, **QUICK)
    resumed = train(
        scenes(), "ferd", tmp_path / "resumed.safetensors", epochs=4, checkpoint=state, resume=True, **QUICK
    )
    assert resumed.hash == whole.hash


@pytest.mark.usefixtures("_small")
def test_a_training_is_not_lost_or_mixed_up(tmp_path: Path):
    state = tmp_path / "state"

    def again(out="b", some=None, **options):
        train(some or scenes(), "ferd", tmp_path / out, checkpoint=state, **{**QUICK, "epochs": 2, **options})

    again("a", epochs=1, resume=True)  # there is none yet: whoever starts jobs again need not look
    with pytest.raises(UsageError, match="holds a training already; give --resume"):
        again()
    with pytest.raises(WeightsError, match="of a training with other parameters"):
        again(resume=True, learning_rate=0.1)
    with pytest.raises(WeightsError, match="of a training with other scenes"):
        again(resume=True, some=scenes(5))
    file = state / FILE
    file.write_bytes(file.read_bytes()[:5000])
    with pytest.raises(WeightsError, match="damaged, it cannot be resumed"):
        again(resume=True)
    assert not (tmp_path / "b").exists()


def test_a_killed_training_resumes_to_the_same_file(tmp_path: Path):
    for i, scene in enumerate(scenes()):
        np.save(tmp_path / f"s{i}.npy", scene.read())
    words = ["train", "-m", "ferd", "--backbone", "random", "--patches", "4", "--batch-size", "2"]
    words += ["--epochs", "5", "--device", "cpu", *(f"s{i}.npy" for i in range(4))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def command(*more: str) -> list[str]:
        return [sys.executable, str(Path(small.__file__)), *words, *more]

    subprocess.run(command("-o", "whole"), cwd=tmp_path, env=environment, check=True)
    killed = subprocess.Popen(
        command("-o", "resumed", "--checkpoint", "state"), cwd=tmp_path, env=environment
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "state" / FILE).exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not (tmp_path / "resumed").exists()
    subprocess.run(
        command("-o", "resumed", "--checkpoint", "state", "--resume"),
        cwd=tmp_path,
        env=environment,
        check=True,
    )
    assert (tmp_path / "resumed").read_bytes() == (tmp_path / "whole").read_bytes()
