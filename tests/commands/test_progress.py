"""Long work says how far it is, how fast it goes and what time is left; also where nobody sees a terminal."""

from __future__ import annotations

import json

import pytest

from had_cli.commands import event_log, progress
from had_cli.commands.messages import Messages


class Clock:
    """A clock that the test moves."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1 min 00 s"), (200, "3 min 20 s"), (7501, "2 h 05 min")],
)
def test_a_time_is_told_for_people(seconds, words):
    assert progress.duration(seconds) == words


def test_rate_and_time_left_follow_from_what_was_done():
    clock = Clock()
    pace = progress.Pace(1_000_000, clock=clock)
    assert pace.told("scores", 0.0).words() == ""
    clock.now += 10
    told = pace.told("scores", 0.25)
    assert (told.left, told.rate) == (30, 25_000)
    assert told.words() == "25000 pixels/s, 30 s left"


def test_a_new_pass_begins_anew():
    clock = Clock()
    pace = progress.Pace(clock=clock)
    pace.told("statistics", 0.0)
    clock.now += 50
    assert pace.told("scores", 0.1).left is None
    clock.now += 10
    assert pace.told("scores", 0.6).left == pytest.approx(8)


def test_without_a_terminal_there_is_a_line_a_minute():
    clock, said = Clock(), []
    tell = progress.lines("line", progress.Pace(3_000_000, clock=clock), said.append)
    for second in range(1, 151):
        clock.now += 1
        tell("scores", second / 150)
    assert said == [
        "line: scores: 40%, 20000 pixels/s, 1 min 30 s left",
        "line: scores: 80%, 20000 pixels/s, 30 s left",
    ]


def test_quiet_work_says_nothing(capsys):
    with Messages(quiet=True).progress("line") as tell:
        tell("scores", 0.5)
    assert capsys.readouterr().err == ""


def lines_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_log_has_begin_progress_result_and_end(had, scene, tmp_path):
    done = had("detect", "-m", "grx", scene, "-o", "map.tif", "--log-json", "log.jsonl", "--json", "-q")
    assert done.status == 0
    log = lines_of(tmp_path / "here" / "log.jsonl")
    assert log[0]["event"] == "start"
    assert (log[0]["command"], log[0]["method"], log[0]["scenes"]) == ("detect", "grx", [str(scene)])
    passes = [line for line in log if line["event"] == "progress"]
    assert {line["label"] for line in passes} >= {"statistics", "scores"}
    assert [line["fraction"] for line in passes if line["label"] == "scores"][-1] == 1
    document = next(line["document"] for line in log if line["event"] == "document")
    assert document == json.loads(done.out)
    assert (log[-1]["event"], log[-1]["status"]) == ("end", "done")


def test_the_log_tells_each_scene_that_failed(had, scene, tmp_path):
    bad = tmp_path / "bad.npy"
    bad.write_bytes(b"no array")
    done = had("detect", "-m", "grx", scene, bad, "-o", "maps", "--log-json", "log.jsonl")
    assert done.status == 1
    log = lines_of(tmp_path / "here" / "log.jsonl")
    assert [str(bad) in line["message"] for line in log if line["event"] == "error"] == [True]
    assert (log[-1]["event"], log[-1]["status"]) == ("end", "failed")


def test_a_log_replaces_nothing(had, scene, tmp_path):
    before = scene.read_bytes()
    done = had("detect", "-m", "grx", scene, "-o", "map.tif", "--log-json", scene, "--overwrite")
    assert done.status == 1
    assert scene.read_bytes() == before
    (tmp_path / "here" / "log.jsonl").write_text("mine")
    done = had("detect", "-m", "grx", scene, "-o", "map.tif", "--log-json", "log.jsonl")
    assert done.status == 1
    assert "exists already" in done.err
    assert (tmp_path / "here" / "log.jsonl").read_text() == "mine"
    assert not (tmp_path / "here" / "map.tif").exists()


def test_an_interrupted_command_says_so_in_its_log(tmp_path):
    path = tmp_path / "log.jsonl"
    with pytest.raises(KeyboardInterrupt), event_log.event_log(path, "detect", overwrite=False):
        raise KeyboardInterrupt
    assert lines_of(path)[-1]["status"] == "interrupted"
