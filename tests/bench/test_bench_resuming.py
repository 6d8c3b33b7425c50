"""A bench that is killed goes on where it was, runs nothing twice, and writes the same bytes."""

import os
import signal
import subprocess
import time

import numpy as np
import psutil
import pytest
from benching import make, program, read

from had_cli.bench.configurations import configure
from had_cli.bench.plan import Conditions
from had_cli.bench.results import load_results
from had_cli.bench.run import Voice, run_bench
from had_cli.errors import OutputError

SAME = ("results.json", "results.csv", "curves.json")


def contents(folder):
    return {name: (folder / name).read_bytes() for name in SAME}


@pytest.fixture
def run(methods, scenes, tmp_path):
    """Return ``run(methods, ...)``, a bench in this process that tells how many cells it ran."""

    def bench(*names, out="out", scenes=scenes, **given):
        notes = []
        voice = Voice(note=notes.append, warn=notes.append, fail=notes.append)
        found = run_bench([str(scenes)], configure(names), tmp_path / out, **{"voice": voice, **given})
        return found, sum(note.startswith("[") for note in notes)

    return bench


def test_killed_at_any_point_it_resumes_and_ends_with_the_same_bytes(methods, scenes, tmp_path):
    words = ("bench", scenes, "-m", "slow", "-m", "draw", "--keep-maps", "--no-plots")
    command, environment = program(*words, "-o", "whole", site=methods)
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    command, environment = program(*words, "-o", "cut", site=methods)
    cells, seen, kills = tmp_path / "cut" / "cells", {}, 0
    for delay in (0.8, 1.4, 2.0, 2.6, 3.3, 120.0):
        started = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            status = started.wait(delay)
        except subprocess.TimeoutExpired:
            children = psutil.Process(started.pid).children()
            started.kill()
            started.wait()
            kills += 1
            _, alive = psutil.wait_procs(children, timeout=10)
            assert not alive, "a cell went on without its bench"
        else:
            assert status == 0
            break
        for file in cells.glob("*.json") if cells.is_dir() else ():
            assert read(file)["outcome"]["metrics"]  # whole
            stamp = file.stat().st_mtime_ns
            assert seen.setdefault(file.name, stamp) == stamp, "a finished cell was run again"
    assert kills >= 1
    assert len(list(cells.glob("*.json"))) == 4
    assert not list((tmp_path / "cut").glob("*/.*"))
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")
    maps = [sorted((tmp_path / out / "maps").iterdir()) for out in ("whole", "cut")]
    assert [m.name for m in maps[0]] == [m.name for m in maps[1]]
    assert [m.read_bytes() for m in maps[0]] == [m.read_bytes() for m in maps[1]]


def test_a_finished_bench_runs_nothing_and_rewrites_the_same(run, tmp_path):
    assert run("grx", "steps")[1] == 4
    before = contents(tmp_path / "out"), (tmp_path / "out" / "timings.json").read_bytes()
    assert run("grx", "steps")[1] == 0
    assert (contents(tmp_path / "out"), (tmp_path / "out" / "timings.json").read_bytes()) == before
    assert run("grx", "steps", rerun=True)[1] == 4
    assert contents(tmp_path / "out") == before[0]


def test_only_what_has_changed_is_run_again(run, scenes, tmp_path):
    run("steps")
    assert run("steps", "grx")[1] == 2  # a method more
    make(scenes / "beta.mat", 9)
    assert run("steps", "grx")[1] == 2  # another scene under the same name
    os.utime(scenes / "alpha.mat", (1, 1))
    assert run("steps", "grx")[1] == 0  # the same content at another time
    assert run("steps", conditions=Conditions(seed=4))[1] == 2
    assert run("steps", conditions=Conditions(bands="1-3"))[1] == 2
    np.save(scenes / "alpha_gt.npy", np.eye(24, 30, dtype=np.uint8))
    assert run("steps")[1] == 1  # another truth
    assert run("steps", conditions=Conditions(seed=4))[1] == 1


def test_a_changed_configuration_file_reruns_its_cells_alone(methods, scenes, tmp_path):
    notes = []

    def bench(times):
        file = tmp_path / "c.toml"
        file.write_text(
            f'[[method]]\nname = "steps"\nlabel = "x"\nparameters = {{ times = {times} }}\n'
            '[[method]]\nname = "grx"\n'
        )
        notes.clear()
        run_bench([str(scenes)], configure((), (), file), tmp_path / "out", voice=Voice(note=notes.append))
        return sum(note.startswith("[") for note in notes)

    assert [bench(1), bench(2), bench(2), bench(1)] == [4, 2, 0, 0]


def test_changed_weights_and_parameter_files_rerun_the_cell(methods, scenes, tmp_path):
    from had_cli.weights.file import Weights

    weights, named, notes = tmp_path / "w.safetensors", tmp_path / "named.txt", []
    (tmp_path / "c.toml").write_text(
        '[[method]]\nname = "weighed"\nweights = "w.safetensors"\n'
        '[[method]]\nname = "steps"\nparameters = { where = "named.txt" }\n'
    )

    def bench():
        notes.clear()
        configurations = configure((), (), tmp_path / "c.toml")
        run_bench(
            [str(scenes / "alpha.mat")], configurations, tmp_path / "out", voice=Voice(note=notes.append)
        )
        return [note.split(", ")[1].split(":")[0] for note in notes if note.startswith("[")]

    Weights(method="weighed", tensors={"factor": np.float32([2])}).save(weights)
    named.write_text("one")
    assert bench() == ["weighed", "steps"]
    assert bench() == []
    Weights(method="weighed", tensors={"factor": np.float32([3])}).save(weights, overwrite=True)
    assert bench() == ["weighed"]
    named.write_text("two")
    assert bench() == ["steps"]


def test_a_failed_cell_is_tried_again(run):
    assert len(run("raising", "grx")[0].failed) == 2
    found, count = run("raising", "grx")
    assert len(found.failed) == 2
    assert count == 0


def test_a_map_that_is_wanted_and_not_there_runs_its_cell_again(run, tmp_path):
    run("grx")
    found, count = run("grx", keep_maps=True)
    assert count == 2
    (tmp_path / "out" / found.results["cells"][0]["map"]).unlink()
    assert run("grx", keep_maps=True)[1] == 1


def test_a_damaged_cell_is_run_again(run, tmp_path):
    run("grx")
    cell = next((tmp_path / "out" / "cells").iterdir())
    cell.write_text(cell.read_text()[:100])
    assert run("grx")[1] == 1


def test_two_benches_do_not_share_a_folder(methods, scenes, tmp_path):
    command, environment = program("bench", scenes, "-m", "slow", "-o", "out", site=methods)
    started = subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "out" / "plots").is_dir() and time.monotonic() < until:
            time.sleep(0.02)
        with pytest.raises(OutputError, match="another had bench is at work here"):
            run_bench([str(scenes)], configure(["grx"]), tmp_path / "out")
    finally:
        started.send_signal(signal.SIGINT)
        assert started.wait(30) in {0, 130}


def test_results_can_be_loaded_again(run, tmp_path):
    found, _ = run("grx", "steps")
    again = load_results(tmp_path / "out")
    assert again == found
    assert again.labels == ["grx", "steps"]
    assert again.scenes == ["alpha", "beta"]
    assert again.values("auc_df")["beta"]["grx"] > 0.5
    assert again.curves["alpha"]["steps"]["p_d"][-1] == 1
    assert again.costs("seconds")["alpha"]["grx"] > 0
