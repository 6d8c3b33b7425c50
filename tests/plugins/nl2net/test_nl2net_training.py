"""Training: the same bytes again, also after a kill; when it stops; what it logs."""

from __future__ import annotations

import csv
import hashlib
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from had_cli.errors import HadError, OutputExistsError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_cli.training.checkpoint import FILE
from had_cli.training.job import TrainingJob
from had_cli.training.stopping import Patience
from had_cli.training.train import train
from had_nl2net import DEFAULTS, trainer
from had_nl2net.scaling import Scaling
from had_nl2net.settings import Settings

NARROW = ["--channels", "8", "--blocks", "3", "--seed", "3", "--device", "cpu"]


@pytest.fixture
def scene(tmp_path):
    path = tmp_path / "scene.npy"
    np.save(path, example_cube(40, 45, 8)[0])
    return path


def logged(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_file_and_another_another(scene, quick):
    files = [scene.with_name(f"{number}.safetensors") for number in range(3)]
    for file, seed in zip(files, (7, 7, 8), strict=True):
        train([scene], "nl2net", file, seed=seed, **quick)
    first, again, other = map(digest, files)
    assert first == again != other


@pytest.mark.parametrize("tile_size", [256, 48], ids=["whole", "crops"])
def test_killed_and_resumed_it_ends_with_the_file_of_an_uninterrupted_one(scene, tile_size):
    if tile_size == 48:
        np.save(scene, example_cube(60, 70, 8)[0])
    command = [sys.executable, "-m", "had_cli", "train", "-m", "nl2net", str(scene), *NARROW]
    command += ["--epochs", "150", "--checkpoint-every", "20", "--tile-size", str(tile_size)]
    log = scene.with_name("log.csv")
    command += ["--log-file", str(log)]
    killed, whole = scene.with_name("killed.safetensors"), scene.with_name("whole.safetensors")
    kept = scene.with_name("kept")
    process = subprocess.Popen([*command, "-o", str(killed), "--checkpoint", str(kept)])
    deadline = time.monotonic() + 120
    while not (kept / FILE).exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -9
    assert not killed.exists()
    assert int(logged(log)[-1]["epoch"]) < 150
    subprocess.run([*command, "-o", str(killed), "--checkpoint", str(kept), "--resume"], check=True)
    rows = logged(log)
    assert [int(row["epoch"]) for row in rows] == list(range(1, 151))
    assert sum(not row["seconds"] for row in rows) >= 20  # these epochs were not run again
    log.unlink()
    subprocess.run([*command, "-o", str(whole)], check=True)
    assert digest(killed) == digest(whole)


def test_a_state_of_another_training_is_refused(scene, quick):
    kept = scene.with_name("kept")
    train([scene], "nl2net", scene.with_name("a"), checkpoint=kept, **quick)
    with pytest.raises(HadError, match=r"with other parameters \(--loss\)"):
        train([scene], "nl2net", scene.with_name("b"), checkpoint=kept, resume=True, loss="l2", **quick)
    assert not scene.with_name("b").exists()


def test_a_damaged_state_is_told_in_one_line(scene, quick):
    kept = scene.with_name("kept")
    train([scene], "nl2net", scene.with_name("a"), checkpoint=kept, **quick)
    (kept / FILE).write_bytes((kept / FILE).read_bytes()[:500])
    with pytest.raises(HadError, match=FILE):
        train([scene], "nl2net", scene.with_name("b"), checkpoint=kept, resume=True, **quick)


def test_more_epochs_may_be_asked_of_a_resumed_training(scene, quick):
    kept = scene.with_name("kept")
    train([scene], "nl2net", scene.with_name("a"), checkpoint=kept, **quick)
    longer = {**quick, "epochs": 7}
    resumed = train([scene], "nl2net", scene.with_name("b"), checkpoint=kept, resume=True, **longer)
    straight = train([scene], "nl2net", scene.with_name("c"), **longer)
    assert resumed.hash == straight.hash


def test_the_log_has_a_row_for_every_epoch(scene, quick):
    log = scene.with_name("log.csv")
    seen = []
    train(
        [scene],
        "nl2net",
        scene.with_name("w"),
        log_file=log,
        progress=lambda label, fraction, **numbers: seen.append((label, fraction, numbers)),
        **quick,
    )
    rows = logged(log)
    assert [int(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    trained = [(fraction, numbers["loss"]) for label, fraction, numbers in seen if label == "training"]
    assert trained == [(n / 4, float(row["loss"])) for n, row in enumerate(rows, start=1)]
    with pytest.raises(OutputExistsError, match="--log-file"):
        train([scene], "nl2net", scene.with_name("w2"), log_file=log, **quick)


def test_patience_ends_a_training_that_gains_nothing(scene, quick):
    weights = train(
        [scene],
        "nl2net",
        scene.with_name("w"),
        **{**quick, "epochs": 60, "patience": 5, "learning_rate": 1e-8},
    )
    assert weights.header["network"]["epochs_done"] == 15  # ten for the first mean, then five


@pytest.mark.parametrize("start", ["mean", "random"])
def test_the_first_background_is_the_mean_spectrum_unless_asked_otherwise(scene, quick, start):
    cube = np.load(scene)
    scaled = (cube - cube.min()) / (cube.max() - cube.min())
    mean = np.abs(scaled - scaled.mean(axis=(0, 1))).mean()
    log = scene.with_name("log.csv")
    train([scene], "nl2net", scene.with_name("w"), start=start, input="cube", log_file=log, **quick)
    excess = float(logged(log)[0]["loss"]) / mean - 1
    assert (excess < 0.5) == (start == "mean")


@pytest.mark.parametrize(
    ("shape", "steps"), [((100, 100, 9), 100), ((30, 40, 9), 100), ((150, 150, 9), 44), ((9000, 9000, 9), 40)]
)
def test_larger_scenes_get_fewer_steps_where_none_are_asked_for(shape, steps):
    params = SimpleNamespace(**DEFAULTS)
    assert Settings.of(params, shape).epochs == steps
    params.epochs = 300
    assert Settings.of(params, shape).epochs == 300


def test_patience_looks_at_means_of_ten_losses():
    falling = Patience(3)
    losses = [100 * 0.99**n for n in range(200)]
    for count in range(1, 201):
        falling.look(losses[:count])
    assert not falling.over
    noisy = Patience(3, [1.0, 2.0] * 5)  # only one mean: nothing to compare with
    assert not noisy.over
    assert Patience(3, [1.0] * 13).over
    assert not Patience(3, [1.0] * 12).over
    assert not Patience(0, [1.0] * 100).over


def test_a_gpu_without_memory_left_gets_smaller_crops_and_then_the_cpu_goes_on(monkeypatch):
    tried, warnings, real = [], [], trainer.rebuilt

    def full(network, shown, precision):
        tried.append((str(shown.device), max(shown.shape[2:])))
        if len(tried) < 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(network, shown, precision)

    monkeypatch.setattr(trainer, "rebuilt", full)
    cube = np.random.default_rng(0).random((300, 200, 2), np.float32)
    settings = Settings(**{**DEFAULTS, "epochs": 2, "channels": 8, "blocks": 3, "factor": 2})
    job = TrainingJob(
        scenes=[Scene.from_array(cube)],
        device="cpu:0",  # a device with a number, as those are whose memory runs out
        seed=0,
        output=Path(),
        checkpoint=None,
        resume=False,
        progress=lambda *_, **__: None,
        warn=warnings.append,
    )
    scaling = Scaling(0.0, 1.0, cube.mean(axis=(0, 1)))
    training = trainer.Training(job, scaling, settings, "float32").run()
    assert [side for _, side in tried] == [300, 128, 64, 64, 64]
    assert len(training.losses) == 2
    assert [line.partition(":")[0] for line in warnings] == ["cpu"] * 3
    assert "crops of 64 x 64" in warnings[1]
    assert "goes on on the CPU" in warnings[2]
    assert training.describe()["tile_size"] == 64
