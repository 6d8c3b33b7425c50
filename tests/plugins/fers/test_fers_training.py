"""Training in two stages: without truth, from one seed, and to the same bytes after a kill in either."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import small
import small_fers
import torch

from had_cli import detect
from had_cli.errors import HadError, UsageError, WeightsError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.bands import BandGrid
from had_cli.scenes.scene import Scene
from had_cli.training.checkpoint import FILE
from had_cli.training.train import train
from had_cli.weights.file import load_weights
from had_ferd.fen import random_fen
from had_ferd.weights import to_weights as ferd_weights
from had_fers import student as module
from had_fers.teacher import FILE as TEACHER
from had_fers.teacher import FOLDER
from had_fers.weights import from_weights

BANDS = 6
QUICK = {"backbone": "random", "patches": 2, "batch_size": 2, "device": "cpu"}
BOTH = {**QUICK, "teacher_backbone": "random", "teacher_epochs": 1}


def scenes(count: int = 4) -> list[Scene]:
    return [Scene.from_array(example_cube(30, 40, BANDS, seed=i)[0], name=f"s{i}") for i in range(count)]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("teacher") / "ferd.safetensors"
    ferd_weights(random_fen(BANDS), BandGrid(BANDS), backbone={"kind": "random", "seed": 0}).save(path)
    return path


@pytest.fixture
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    small.shrink(monkeypatch.setattr)


# -- both stages ----------------------------------------------------------------------------------
@pytest.mark.usefixtures("_small")
def test_one_command_trains_ferd_and_then_the_student(tmp_path: Path):
    out, told = tmp_path / "w.safetensors", []
    weights = train(
        scenes(), "fers", out, epochs=2, **BOTH, progress=lambda label, *_, **n: told.append((label, n))
    )
    labels = [label for label, _ in told]
    assert labels.index("student") > max(i for i, label in enumerate(labels) if label == "epochs")
    assert set(told[-1][1]) == {
        "epoch", "loss", "cross_covariance", "cosine", "variance", "restoration", "structure",
        "held_out_loss",
    }  # fmt: skip
    header = weights.header
    assert header["bands"] == BANDS
    assert header["teacher"]["epochs_trained"] == 1
    assert {"kind": "random", "seed": 0}.items() <= header["teacher"]["backbone"].items()
    assert header["selection"] == "least loss on held-out patches"
    assert header["metrics"]["epoch"] in {1, 2}
    for when in ("before", "after"):
        assert set(header["metrics"]["complementarity"][when]) == {"mean_abs_cosine", "cross_covariance"}
    assert np.isfinite(detect(scenes()[0], "fers", weights=out, device="cpu").scores).all()


def test_weights_of_ferd_are_taken_as_they_are(tmp_path: Path, teacher: Path):
    weights = train(scenes(), "fers", tmp_path / "w", epochs=1, teacher=teacher, **QUICK)
    fen, _, _ = from_weights(weights)
    expected = random_fen(BANDS).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in fen.state_dict().items())
    assert weights.header["teacher"]["file"] == "ferd.safetensors"
    assert weights.header["teacher"]["sha256"] == load_weights(teacher).hash


def test_contradicting_options_are_refused(tmp_path: Path, teacher: Path):
    with pytest.raises(UsageError, match="leave --teacher-epochs out"):
        train(scenes(), "fers", tmp_path / "w", teacher=teacher, teacher_epochs=3, **QUICK)
    with pytest.raises(UsageError, match=r"--network-bands 9, but .* has 6"):
        train(scenes(), "fers", tmp_path / "w", teacher=teacher, network_bands=9, **QUICK)
    assert not (tmp_path / "w").exists()


# -- the student ----------------------------------------------------------------------------------
def spatial(tmp_path: Path, teacher: Path, name: str, **options) -> dict[str, torch.Tensor]:
    weights = train(scenes(), "fers", tmp_path / name, teacher=teacher, **{**QUICK, **options})
    return from_weights(weights)[1].state_dict()


def test_the_frozen_backbone_keeps_its_weights_and_moves_its_statistics(tmp_path: Path, teacher: Path):
    before = spatial(tmp_path, teacher, "a", epochs=0)
    after = spatial(tmp_path, teacher, "b", epochs=1)
    kept = spatial(tmp_path, teacher, "c", epochs=1, backbone_statistics="keep")
    # a squeeze of one channel may be dead from the start
    names = [n for n in before if not n.startswith("spp.se.") and not n.endswith("num_batches_tracked")]
    for name in names:
        frozen = name.startswith("get_features.")
        assert torch.equal(before[name], after[name]) == (frozen and "running" not in name), name
        assert torch.equal(before[name], kept[name]) == frozen, name


def test_truths_are_not_looked_at(tmp_path: Path, teacher: Path):
    def refuse():
        raise AssertionError("the truth was read")

    blind = [Scene.from_array(s.read(), name=s.name, truth=refuse) for s in scenes()]
    hashes = {
        train(some, "fers", tmp_path / f"{i}", epochs=1, teacher=teacher, **QUICK).hash
        for i, some in enumerate((scenes(), blind))
    }
    assert len(hashes) == 1


def test_the_seed_decides(tmp_path: Path, teacher: Path):
    hashes = [
        train(scenes(), "fers", tmp_path / f"{i}", epochs=1, seed=seed, teacher=teacher, **QUICK).hash
        for i, seed in enumerate((3, 3, 4))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_the_epoch_with_the_least_loss_on_held_out_patches_is_kept(
    tmp_path: Path, teacher: Path, monkeypatch
):
    held_out = iter([3.0, 1.0, 2.0, 5.0, 4.0, 0.5])
    monkeypatch.setattr(module, "held_out_loss", lambda *_: next(held_out))
    weights = train(scenes(), "fers", tmp_path / "w", epochs=9, patience=3, teacher=teacher, **QUICK)
    assert weights.header["metrics"]["epoch"] == 2
    assert weights.header["epochs_trained"] == 5
    two = iter([3.0, 1.0])
    monkeypatch.setattr(module, "held_out_loss", lambda *_: next(two))
    shorter = train(scenes(), "fers", tmp_path / "v", epochs=2, patience=3, teacher=teacher, **QUICK)
    for name, tensor in shorter.tensors.items():
        np.testing.assert_array_equal(weights.tensors[name], tensor)


def test_where_nothing_can_be_held_out_the_user_is_told(tmp_path: Path, teacher: Path):
    told = []
    weights = train(scenes(1), "fers", tmp_path / "w", epochs=1, teacher=teacher, warn=told.append, **QUICK)
    assert "the last epoch is kept" in told[0]
    assert weights.header["selection"] == "last epoch"
    assert weights.header["metrics"]["complementarity"] == {"before": None, "after": None}


def test_a_training_that_diverges_says_so(tmp_path: Path, teacher: Path, monkeypatch):
    real = module.losses
    monkeypatch.setattr(
        module, "losses", lambda *a: real(*a)._replace(restoration=torch.tensor(float("inf")))
    )
    with pytest.raises(HadError, match=r"diverged in epoch 1 .* lower --learning-rate"):
        train(scenes(), "fers", tmp_path / "w", epochs=1, teacher=teacher, **QUICK)
    assert not (tmp_path / "w").exists()


def test_training_makes_the_features_less_alike(tmp_path: Path, teacher: Path):
    options = {**QUICK, "patches": 16, "batch_size": 4}
    weights = train(scenes(), "fers", tmp_path / "w", epochs=6, teacher=teacher, **options)
    found = weights.header["metrics"]["complementarity"]
    assert found["after"]["cross_covariance"] < found["before"]["cross_covariance"]


# -- interrupted ----------------------------------------------------------------------------------
def test_a_resumed_student_ends_with_the_same_bytes(tmp_path: Path, teacher: Path):
    options = {**QUICK, "teacher": teacher}
    whole = train(scenes(), "fers", tmp_path / "whole", epochs=4, **options)
    state = tmp_path / "state"
    train(scenes(), "fers", tmp_path / "half", epochs=2, checkpoint=state, **options)
    resumed = train(
        scenes(), "fers", tmp_path / "resumed", epochs=4, checkpoint=state, resume=True, **options
    )
    assert resumed.hash == whole.hash
    other = tmp_path / "other.safetensors"
    ferd_weights(random_fen(BANDS, seed=1), BandGrid(BANDS)).save(other)
    with pytest.raises(WeightsError, match="of a training with other teacher"):
        train(
            scenes(), "fers", tmp_path / "d", checkpoint=state, resume=True, **{**options, "teacher": other}
        )


@pytest.mark.usefixtures("_small")
def test_a_training_is_not_lost_or_mixed_up(tmp_path: Path, teacher: Path):
    state = tmp_path / "state"

    def again(out="b", some=None, **options):
        train(some or scenes(), "fers", tmp_path / out, checkpoint=state, **{**BOTH, "epochs": 1, **options})

    again("a", epochs=0, resume=True)  # there is none yet: whoever starts jobs again need not look
    assert (state / TEACHER).exists()
    assert not (state / FOLDER).exists()
    with pytest.raises(UsageError, match="holds a training already; give --resume"):
        again()
    with pytest.raises(WeightsError, match="of a training with other epochs, parameters; resume"):
        again(resume=True, teacher_epochs=2, batch_size=1)
    with pytest.raises(WeightsError, match="of a training with other scenes"):
        again(resume=True, some=scenes(5))
    again("c", resume=True)
    with pytest.raises(WeightsError, match="of a training with other parameters"):
        again("d", resume=True, learning_rate=0.1)
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("stage", [f"{FOLDER}/{FILE}", TEACHER, FILE])
def test_a_training_killed_in_either_stage_resumes_to_the_same_file(tmp_path: Path, stage: str):
    for i, scene in enumerate(scenes()):
        np.save(tmp_path / f"s{i}.npy", scene.read())
    words = ["train", "-m", "fers", "--backbone", "random", "--teacher-backbone", "random"]
    words += ["--patches", "2", "--batch-size", "2", "--teacher-epochs", "3", "--epochs", "3"]
    words += ["--device", "cpu", *(f"s{i}.npy" for i in range(4))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def command(*more: str) -> list[str]:
        return [sys.executable, str(Path(small_fers.__file__)), *words, *more]

    subprocess.run(command("-o", "whole"), cwd=tmp_path, env=environment, check=True)
    killed = subprocess.Popen(
        command("-o", "resumed", "--checkpoint", "state"), cwd=tmp_path, env=environment
    )
    deadline = time.monotonic() + 120
    while not (tmp_path / "state" / stage).exists() and time.monotonic() < deadline:
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
