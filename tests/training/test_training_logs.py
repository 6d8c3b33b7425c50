"""Logs of a training: JSON lines, CSV, TensorBoard's events; never over another file."""

from __future__ import annotations

import csv
import json
import sys
from types import ModuleType

import pytest
from test_loop import StoppedError, held_out, job, plan

from had_cli.errors import OutputError, OutputExistsError, UsageError
from had_cli.plugin import TrainingLoop
from had_cli.training.logs import check_logs


def test_every_epoch_is_a_line_of_json(tmp_path):
    path = tmp_path / "log.jsonl"
    loop = TrainingLoop(job(log_file=path), plan(validate=held_out)).run()
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2, 3, 4, 5]
    assert [line["loss"] for line in lines] == loop.losses()
    assert [line["held_out_loss"] for line in lines] == loop.losses("held_out_loss")
    assert all(line["seconds"] >= 0 for line in lines)


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv"])
def test_the_log_of_a_resumed_training_has_every_epoch_once(tmp_path, name):
    state, path = tmp_path / "state", tmp_path / name
    state.mkdir()

    def progress(label, fraction, **numbers):
        if numbers["epoch"] == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        TrainingLoop(job(checkpoint=state, log_file=path, progress=progress), plan()).run()
    loop = TrainingLoop(job(checkpoint=state, log_file=path, resume=True), plan()).run()
    lines = path.read_text().splitlines()
    rows = list(csv.DictReader(lines)) if name.endswith("csv") else [json.loads(line) for line in lines]
    found = [(int(row["epoch"]), float(row["loss"])) for row in rows]
    assert found == list(enumerate(loop.losses(), start=1))


def test_another_file_is_never_replaced(tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_text("mine")
    for resume in (False, True):
        with pytest.raises(OutputExistsError, match="name another file with --log-file"):
            check_logs(path, None, resume=resume)
    with pytest.raises(OutputError, match="folder that exists"):
        check_logs(tmp_path / "none" / "log.jsonl", None, resume=False)
    assert path.read_text() == "mine"


def test_without_tensorboard_the_user_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match="pip install tensorboard"):
        check_logs(None, tmp_path, resume=False)


def test_where_it_is_installed_it_gets_the_numbers_of_every_epoch(tmp_path, monkeypatch):
    written = []

    class SummaryWriter:
        def __init__(self, folder, purge_step):
            written.append((folder, purge_step))

        def add_scalar(self, name, value, epoch):
            written.append((name, value, epoch))

        def close(self):
            written.append("closed")

    module = ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = SummaryWriter
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    loop = TrainingLoop(job(tensorboard=tmp_path), plan(epochs=2)).run()
    numbers = [("loss", loss, epoch) for epoch, loss in enumerate(loop.losses(), start=1)]
    assert written == [(str(tmp_path), 1), *numbers, "closed"]
