"""Time and memory of a cell are its own, and the time left is foretold."""

import sys
import time

import numpy as np
import pytest

from had_cli.bench.clock import Clock
from had_cli.bench.configurations import configure
from had_cli.bench.run import run_bench


@pytest.fixture
def cells(methods, scenes, tmp_path):
    ballast = np.ones(int(400e6), np.uint8)  # this process is larger than any of the cells
    start = time.perf_counter()
    found = run_bench([str(scenes / "alpha.mat")], configure(["hungry", "slow"]), tmp_path / "out")
    wall = time.perf_counter() - start
    assert ballast[-1] == 1
    return {cell["label"]: {**cell, "wall": wall} for cell in found.timings["cells"]}


@pytest.mark.skipif(sys.platform != "linux", reason="how memory is counted differs between systems")
def test_peak_memory_is_that_of_the_cell(cells):
    hungry, slow = cells["hungry"], cells["slow"]
    assert 195e6 < hungry["peak_memory"] - hungry["memory_before"] < 300e6
    assert slow["peak_memory"] < 300e6  # neither of the cell before nor of the bench
    assert slow["peak_memory"] - slow["memory_before"] < 60e6


def test_time_is_that_of_detection_without_the_start_of_the_process(cells):
    assert cells["slow"]["seconds"] >= 0.3
    assert sum(cell["seconds"] for cell in cells.values()) < cells["slow"]["wall"] - 0.3
    assert cells["slow"]["device"] == "cpu"
    assert cells["slow"]["device_memory"] is None


def test_time_left_goes_by_configuration_and_size():
    clock = Clock([("fast", 100), ("slow", 100), ("fast", 300), ("slow", 200), ("new", 100)])
    assert clock.seconds_left() is None
    assert clock.left() == ""
    clock.tick(1.0)
    assert clock.seconds_left() == pytest.approx(7.0)
    clock.tick(9.0)
    assert clock.seconds_left() == pytest.approx(3 + 18 + 5)
    assert clock.left() == "; about 26 s left"
    for _ in range(3):
        clock.tick(1.0)
    assert clock.left() == ""


@pytest.mark.parametrize(("rest", "said"), [(100, "about 2 min left"), (8000, "about 2.2 h left")])
def test_time_left_is_told_in_words(rest, said):
    clock = Clock([("a", 1), ("a", rest)])
    clock.tick(1.0)
    assert said in clock.left()
