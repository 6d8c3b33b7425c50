"""``--log-json`` of the commands that work for long: every line is JSON, and no file is replaced."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

SMALL = ("--epochs", 2, "--channels", 8, "--blocks", 3)


def lines_of(path):
    """Return the lines of a log; each has a time and an event."""
    lines = [json.loads(line) for line in Path(path).read_text().splitlines()]
    for line in lines:
        assert datetime.fromisoformat(line["time"]).tzinfo == UTC
    assert (lines[0]["event"], lines[-1]["event"]) == ("start", "end")
    return lines


def stages(lines, label):
    return [line for line in lines if line["event"] == "progress" and line["label"] == label]


def test_a_detection_tells_pixels(had, scene):
    assert had("detect", "-m", "grx", scene, "-o", "map.tif", "--log-json", "log.jsonl").status == 0
    last = stages(lines_of("log.jsonl"), "scores")[-1]
    assert (last["done"], last["total"], last["unit"]) == (480, 480, "pixels")


def test_a_bench_tells_cells_stages_and_failures(had, scene):
    done = had(
        "bench", scene, "-m", "grx", "-m", "slrx", "-o", "out", "--no-plots", "--log-json", "log.jsonl"
    )
    assert done.status == 0, done.err
    lines = lines_of("log.jsonl")
    assert (lines[0]["command"], lines[0]["scenes"], lines[0]["output"]) == ("bench", [str(scene)], "out")
    cells = stages(lines, "cells")
    assert [(line["done"], line["total"], line["unit"]) for line in cells] == [
        (0, 2, "cells"),
        (1, 2, "cells"),
        (2, 2, "cells"),
    ]
    assert cells[1]["per_second"] > 0
    assert cells[1]["seconds_left"] > 0
    assert {line["title"] for line in stages(lines, "scores")} == {"[1/2] line, grx"}
    assert lines[-1]["status"] == "done"

    scene.write_bytes(b"no scene")
    assert (
        had("bench", scene, "-m", "grx", "-o", "other", "--no-plots", "--log-json", "second.jsonl").status
        == 1
    )
    lines = lines_of("second.jsonl")
    assert any(str(scene) in line["message"] for line in lines if line["event"] == "error")
    assert lines[-1]["status"] == "failed"


def test_a_training_tells_epochs_and_goes_on_in_its_log(had, scene):
    words = ("train", "-m", "nl2net", *SMALL, scene, "-o", "w.safetensors", "--checkpoint", "state")
    done = had(*words, "--log-json", "log.jsonl")
    assert done.status == 0, done.err
    lines = lines_of("log.jsonl")
    told = [line for line in lines if line["event"] == "progress" and line["unit"] == "epochs"]
    assert (told[-1]["done"], told[-1]["total"]) == (2, 2)
    assert told[-1]["loss"] > 0
    assert lines[-1]["status"] == "done"
    again = had(*words, "--resume", "--log-json", "log.jsonl")
    assert again.status == 0, again.err
    longer = [json.loads(line) for line in Path("log.jsonl").read_text().splitlines()]
    assert longer[: len(lines)] == lines
    assert [line["event"] for line in longer].count("start") == 2


@pytest.mark.parametrize("resume", [(), ("--resume",)])
def test_the_log_of_a_training_replaces_nothing(had, scene, resume):
    Path("mine.txt").write_text("mine")
    before = scene.read_bytes()
    words = ("train", "-m", "nl2net", *SMALL, scene, "-o", "w.safetensors", "--checkpoint", "state", *resume)
    for name, told in [
        ("mine.txt", "exists already; name another file with --log-json"),
        ("w.safetensors", "is the weights itself"),
        ("state/log.jsonl", "lies in the folder of --checkpoint"),
    ]:
        done = had(*words, "--log-json", name)
        assert (done.status, len(done.err.splitlines())) == (1, 1)
        assert told in done.err
    done = had(*words, "--overwrite", "--log-json", scene)
    assert done.status == 1
    assert "a scene of the training itself" in done.err
    assert Path("mine.txt").read_text() == "mine"
    assert scene.read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["mine.txt"]


def test_the_log_of_a_bench_replaces_nothing(had, scene):
    Path("mine.txt").write_text("mine")
    before = scene.read_bytes()
    words = ("bench", scene, "-m", "grx", "-o", "out", "--no-plots")
    for name, told in [
        ("mine.txt", "exists already; name another file with --log-json"),
        (scene, "exists already; name another file with --log-json"),
        ("out/results.json", "lies in the folder of the bench (out)"),
        ("none/log.jsonl", "there is no folder none"),
    ]:
        done = had(*words, "--log-json", name)
        assert (done.status, len(done.err.splitlines())) == (1, 1), done.err
        assert told in done.err
    assert Path("mine.txt").read_text() == "mine"
    assert scene.read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == ["mine.txt"]
