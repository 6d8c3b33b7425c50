"""The training loop: the same bytes after any interruption, the best epoch, and memory that runs out."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from had_cli.errors import HadError, UsageError, WeightsError
from had_cli.plugin import TrainingJob, TrainingLoop, TrainingPlan
from had_cli.scenes.scene import Scene
from had_cli.training.checkpoint import FILE
from had_cli.training.stopping import Patience

CUBE = np.random.default_rng(0).random((6, 7, 4), np.float32)


class StoppedError(Exception):
    pass


def job(**changes) -> TrainingJob:
    silent = lambda *_, **__: None  # noqa: E731
    values = {
        "scenes": [Scene.from_array(CUBE)],
        "device": "cpu",
        "seed": 3,
        "output": Path("w"),
        "checkpoint": None,
        "resume": False,
        "progress": silent,
        "warn": pytest.fail,
    }
    return TrainingJob(**{**values, **changes})


def plan(**changes) -> TrainingPlan:
    """Return the training of a small network with batch norm to predict the sum of what it sees."""
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    if changes.pop("batch_norm", True) is False:
        network = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    for parameter in network.parameters():
        nn.init.normal_(parameter, generator=generator)

    def batches(random, epoch):
        while True:
            x = torch.from_numpy(random.random((8, 4), np.float32))
            yield x, x.sum(1, keepdim=True)

    def loss(batch):
        return (network(batch[0]) - batch[1]).square().mean()

    values = {
        "method": "grx",
        "network": network,
        "optimiser": lambda: torch.optim.Adam(network.parameters(), lr=0.01),
        "batches": batches,
        "loss": loss,
        "epochs": 5,
        "steps": 3,
    }
    return TrainingPlan(**{**values, **changes})


def held_out(network):
    network.eval()
    x = torch.linspace(0, 1, 40).reshape(10, 4)
    return float((network(x) - x.sum(1, keepdim=True)).square().mean())


def same(first, second) -> bool:
    return first.keys() == second.keys() and all(torch.equal(t, second[n]) for n, t in first.items())


WAYS = {
    "plain": {},
    "validated": {"validate": held_out},
    "averaged": {"average": 0.9, "validate": held_out},
    "scheduled": {"schedule": lambda step: 1 / (1 + step), "clip": 0.1},
    "fresh": {"fresh_optimiser": True, "schedule": lambda step: math.cos(step / 10)},
    "rare states": {"checkpoint_every": 2},
}


# -- interrupted ----------------------------------------------------------------------------------
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reports", [1, 4, 8, 15])
def test_stopped_anywhere_and_resumed_it_ends_with_the_same_bytes(tmp_path, way, reports):
    undisturbed, stopped = tmp_path / "undisturbed", tmp_path / "stopped"
    undisturbed.mkdir()
    stopped.mkdir()
    whole = TrainingLoop(job(checkpoint=undisturbed), plan(**WAYS[way])).run()
    left = reports

    def progress(label, fraction, **numbers):
        nonlocal left
        left -= 1
        if not left:
            raise StoppedError

    with pytest.raises(StoppedError):
        TrainingLoop(job(checkpoint=stopped, progress=progress), plan(**WAYS[way])).run()
    resumed = TrainingLoop(job(checkpoint=stopped, resume=True), plan(**WAYS[way])).run()
    assert same(resumed.best, whole.best)
    assert same(resumed.network.state_dict(), whole.network.state_dict())
    assert resumed.history == whole.history
    assert (resumed.best_epoch, resumed.best_loss) == (whole.best_epoch, whole.best_loss)
    assert [path.name for path in stopped.iterdir()] == [FILE]
    assert (stopped / FILE).read_bytes() == (undisturbed / FILE).read_bytes()


def test_a_finished_training_that_is_resumed_takes_no_step_and_tidies_up(tmp_path):
    whole = TrainingLoop(job(checkpoint=tmp_path), plan()).run()
    left = tmp_path / f".had-abcdefgh-{FILE}"  # by a process that was killed as it wrote the state
    (left / "new").mkdir(parents=True)
    (left / "lock").touch()
    resumed = TrainingLoop(job(checkpoint=tmp_path, resume=True), plan(loss=pytest.fail)).run()
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert same(resumed.best, whole.best)


def test_a_state_is_neither_overwritten_nor_taken_by_another_training(tmp_path):
    parameters = {"parameters": {"rate": 1}}
    TrainingLoop(job(checkpoint=tmp_path), plan(**parameters)).run()
    with pytest.raises(UsageError, match="holds a training already; give --resume"):
        TrainingLoop(job(checkpoint=tmp_path), plan(**parameters)).run()
    exchanged = CUBE.copy()  # the same shape, sums and extrema
    exchanged[0, 0], exchanged[0, 1] = CUBE[0, 1], CUBE[0, 0]
    others = {
        r"other parameters \(--rate\)": (job(), plan(parameters={"rate": 2})),
        "other seed": (job(seed=4), plan(**parameters)),
        "other scenes": (job(scenes=[Scene.from_array(exchanged)]), plan(**parameters)),
        "other method": (job(), plan(method="slrx", **parameters)),
        "other teacher": (job(), plan(identity={"teacher": "a"}, **parameters)),
    }
    for message, (another, planned) in others.items():
        with pytest.raises(WeightsError, match=message):
            TrainingLoop(replace(another, checkpoint=tmp_path, resume=True), planned).run()


def test_a_state_of_other_versions_is_refused(tmp_path, monkeypatch):
    TrainingLoop(job(checkpoint=tmp_path), plan()).run()
    monkeypatch.setattr("had_cli.training.versions.__version__", "99")
    with pytest.raises(WeightsError, match="other versions"):
        TrainingLoop(job(checkpoint=tmp_path, resume=True), plan()).run()


@pytest.mark.parametrize("damage", ["cut", "empty", "another tensor", "no field", "code"])
def test_a_damaged_state_is_one_line(tmp_path, damage):
    TrainingLoop(job(checkpoint=tmp_path), plan()).run()
    path = tmp_path / FILE
    content = path.read_bytes()
    state = torch.load(path, weights_only=True)
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "code":
        path.write_bytes(pickle.dumps({"identity": os.system}))
    else:
        if damage == "no field":
            del state["history"]
        else:
            state["network"]["0.weight"] = torch.zeros(3)
        torch.save(state, path)
    with pytest.raises(WeightsError, match="damaged, it cannot be resumed") as caught:
        TrainingLoop(job(checkpoint=tmp_path, resume=True), plan()).run()
    assert "\n" not in str(caught.value)


# -- which epoch, and when to end -----------------------------------------------------------------
def test_the_epoch_with_the_least_validation_loss_is_kept_and_patience_ends_it():
    losses = iter([3.0, 1.0, 2.0, 5.0, 4.0])
    loop = TrainingLoop(job(), plan(epochs=9, patience=2, validate=lambda _: next(losses))).run()
    two = TrainingLoop(job(), plan(epochs=2)).run()
    assert (loop.epoch, loop.best_epoch, loop.best_loss) == (4, 2, 1.0)
    assert same(loop.best, two.best)
    assert loop.losses("held_out_loss") == [3.0, 1.0, 2.0, 5.0]


def test_without_epochs_the_network_stays_untrained():
    before = {name: t.clone() for name, t in plan().network.state_dict().items()}
    assert same(TrainingLoop(job(), plan(epochs=0, validate=held_out)).run().best, before)


def test_a_loss_that_does_not_fall_ends_it():
    zero = lambda batch: batch[0].sum() * 0 + torch.ones((), requires_grad=True)  # noqa: E731
    loop = TrainingLoop(job(), plan(epochs=50, plateau=3, loss=zero)).run()
    assert loop.epoch == 13  # ten for the first mean, then three


def test_patience_goes_on_where_it_was():
    losses = [1.0] * 12
    assert not Patience(3, losses).over
    assert Patience(3, [*losses, 1.0]).over


def test_a_loss_that_is_no_number_ends_it_in_one_line():
    broken = lambda batch: batch[0].sum() * float("nan")  # noqa: E731
    with pytest.raises(HadError, match=r"diverged in epoch 1 \(the loss is nan\); try a lower learning rate"):
        TrainingLoop(job(), plan(loss=broken)).run()


def test_too_few_batches_are_an_error_of_the_plugin():
    one = lambda random, epoch: [(torch.ones(2, 4), torch.ones(2, 1))]  # noqa: E731
    with pytest.raises(HadError, match="gave 1 of 3 batches; an error in its plugin"):
        TrainingLoop(job(), plan(batches=one)).run()


# -- rates and means ------------------------------------------------------------------------------
def test_the_rates_of_every_step_are_those_of_the_schedule():
    seen = []
    planned = plan(schedule=lambda step: 1 / (1 + step))

    def loss(batch):
        seen.append(loop.optimiser.param_groups[0]["lr"])
        return planned.loss(batch)

    loop = TrainingLoop(job(), replace(planned, loss=loss))
    loop.run()
    np.testing.assert_allclose(seen, [0.01 / (1 + step) for step in range(15)])


def test_the_running_mean_is_that_of_its_formula():
    tracked, planned = [], plan(average=0.6, epochs=4, steps=1)
    loop = TrainingLoop(job(), planned)
    mean = planned.network[0].weight.detach().clone()
    loop.run(after=lambda _: tracked.append(planned.network[0].weight.detach().clone()))
    for step, weight in enumerate(tracked, start=1):
        keep = min(0.6, (1 + step) / (10 + step))
        mean = keep * mean + (1 - keep) * weight
    torch.testing.assert_close(loop.best["0.weight"], mean)
    assert not torch.equal(loop.best["0.weight"], planned.network[0].weight)


def test_parameters_that_do_not_learn_stay_and_are_not_in_the_state(tmp_path):
    planned = plan()
    planned.network[0].requires_grad_(requires_grad=False)
    before = planned.network[0].weight.clone()
    TrainingLoop(job(checkpoint=tmp_path), planned).run()
    assert torch.equal(planned.network[0].weight, before)
    assert "0.weight" not in torch.load(tmp_path / FILE, weights_only=True)["network"]


# -- memory ---------------------------------------------------------------------------------------
DEVICE = "cpu:0"  # a device with a number, as those are whose memory runs out


def out_of_memory(planned: TrainingPlan, most: int, tried: list[int], until: int = 10**9) -> TrainingPlan:
    """Return the plan on a device that holds batches of so many samples, until so many were tried."""

    def loss(batch):
        tried.append(len(batch[0]))
        if len(batch[0]) > most and len(tried) <= until:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return planned.loss(batch)

    return replace(planned, loss=loss)


def test_batches_in_parts_mean_the_same_and_are_remembered():
    tried, warnings = [], []
    whole = TrainingLoop(job(), plan(batch_norm=False)).run()
    planned = out_of_memory(plan(batch_norm=False), 2, tried)
    loop = TrainingLoop(job(device=DEVICE, warn=warnings.append), planned).run()
    assert tried[:6] == [8, 4, 2, 2, 2, 2]
    assert max(tried[2:]) == 2
    assert warnings == [f"{DEVICE} ran out of memory: batches of 8 are computed in {n} parts" for n in (2, 4)]
    for name, tensor in whole.best.items():
        torch.testing.assert_close(loop.best[name], tensor)
    np.testing.assert_allclose(loop.losses(), whole.losses(), rtol=1e-5)


def test_the_parts_are_remembered_by_the_state(tmp_path):
    def run(**changes):
        planned = out_of_memory(plan(separable=False), 4, [])
        return TrainingLoop(job(device=DEVICE, checkpoint=tmp_path / "s", **changes), planned).run

    (tmp_path / "s").mkdir()
    warnings = []
    whole = TrainingLoop(job(device=DEVICE, warn=warnings.append), out_of_memory(plan(), 4, [])).run()

    def progress(label, fraction, **numbers):
        if numbers["epoch"] == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        run(progress=progress, warn=lambda line: None)()
    again = []
    resumed = run(resume=True, warn=again.append)()
    assert same(resumed.best, whole.best)
    assert len(again) == 1
    assert "is over a part" in again[0]


def test_at_last_the_cpu_goes_on_and_the_device_is_recorded():
    tried, warnings, facts = [], [], {}
    planned = out_of_memory(plan(batch_norm=False), 0, tried, until=4)
    loop = TrainingLoop(job(device=DEVICE, warn=warnings.append, record=facts.update), planned).run()
    assert tried[:5] == [8, 4, 2, 1, 8]
    assert warnings[-1] == f"{DEVICE} ran out of memory: the training goes on on the CPU"
    assert (loop.device, facts) == ("cpu", {"device": "cpu"})
    assert same(loop.best, TrainingLoop(job(), plan(batch_norm=False)).run().best)


def test_a_machine_without_memory_is_one_line():
    with pytest.raises(HadError, match="too little memory"):
        TrainingLoop(job(), out_of_memory(plan(), 0, [])).run()


# -- the process ----------------------------------------------------------------------------------
def test_single_precision_is_single_precision_and_algorithms_are_deterministic():
    def loss(batch):
        assert torch.backends.cudnn.enabled
        assert not torch.backends.cudnn.allow_tf32
        assert torch.get_float32_matmul_precision() == "highest"
        assert torch.are_deterministic_algorithms_enabled()
        return (planned.network(batch[0]) - batch[1]).square().mean()

    planned = plan()
    TrainingLoop(job(), replace(planned, loss=loss)).run()
    assert not torch.are_deterministic_algorithms_enabled()


def test_nothing_stays_in_the_temporary_folder(tmp_path):
    code = (
        "import torch; from had_cli.training.reproducible import load_optimisers; load_optimisers();"
        "torch.optim.Adam(torch.nn.Linear(2, 2).parameters())"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TORCHINDUCTOR_CACHE_DIR"}
    subprocess.run([sys.executable, "-c", code], check=True, env={**environment, "TMPDIR": str(tmp_path)})
    assert not list(tmp_path.iterdir())
