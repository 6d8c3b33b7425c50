"""What goes wrong with a cluster is one line, and nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import psutil
import pytest
from distributed import Client
from threadpoolctl import threadpool_info

import had_cli
from had_cli.engine.cluster import connecting, tasks
from had_cli.engine.cluster.connecting import connected
from had_cli.errors import ClusterError, SceneError, UsageError
from had_cli.scenes.open import open_scene

HAD = [sys.executable, "-m", "had_cli"]


@pytest.fixture
def scene(tmp_path, cube):
    np.save(tmp_path / "scene.npy", cube)
    return tmp_path / "scene.npy"


def test_a_worker_that_cannot_see_the_file(scene, cluster):
    with open_scene(scene) as opened:
        scene.rename(scene.with_name("elsewhere.npy"))
        with pytest.raises(SceneError) as told:
            had_cli.detect(opened, "grx", engine="dask", scheduler=cluster)
    worker = (
        rf"worker tcp://127\.0\.0\.1:\d+ on \S+: cannot use the scene: {scene}: there is no such file; put it"
    )
    assert told.match(worker)
    assert "\n" not in str(told.value)


def test_a_worker_that_sees_another_file_of_the_name(scene, cluster):
    with open_scene(scene) as opened:
        scene.unlink()
        np.save(scene, np.zeros((5, 6, 7)))
        with pytest.raises(SceneError, match=r"is another file here: its size, type or scale differ"):
            had_cli.detect(opened, "grx", engine="dask", scheduler=cluster)


def test_nothing_of_a_run_stays_in_workers_that_go_on(scene, cluster):
    """A file has a handle per thread while a run lasts, BLAS one thread, and afterwards neither."""
    with Client(cluster.address, set_as_default=False) as client:
        seen = []

        def look(label, fraction):
            if label == "scores" and fraction == 1:
                seen.append(client.run(held))

        before = client.run(blas_threads)
        had_cli.detect(scene, "grx", engine="dask", scheduler=client, progress=look)
        assert {count for count, _ in seen[0].values()} <= {0, 1}
        assert any(count for count, _ in seen[0].values())
        assert all(threads == 1 for count, threads in seen[0].values() if count)
        assert client.run(held) == {worker: (0, threads) for worker, threads in before.items()}


def held():
    """Return how many files a worker of one thread holds open, and the threads of its BLAS."""
    return sum(len(desk._files) for desk in tasks._desks.values()), blas_threads()


def blas_threads():
    return max((lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"), default=1)


def test_a_scheduler_that_is_not_there(scene, monkeypatch):
    monkeypatch.setattr(connecting, "TIMEOUT", 0.5)
    with pytest.raises(ClusterError, match=r"^tcp://127\.0\.0\.1:9: no scheduler answers there; start one"):
        had_cli.detect(scene, "grx", engine="dask", scheduler="tcp://127.0.0.1:9")


@pytest.mark.parametrize("content", [None, "{}", "no json"])
def test_a_file_that_is_of_no_scheduler(tmp_path, content):
    file = tmp_path / "scheduler.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(ClusterError, match=r"--scheduler .*scheduler\.json: is n") as told, connected(file):
        pass
    assert "\n" not in str(told.value)


def test_options_that_do_not_go_together(scene):
    for options in ({"workers": 2}, {"memory_limit": "1GB"}, {"scheduler": "tcp://x:1"}):
        with pytest.raises(UsageError, match="is of use with --engine dask alone"):
            had_cli.detect(scene, "grx", **options)
    with pytest.raises(UsageError, match="leave out --scheduler"):
        had_cli.detect(scene, "grx", engine="dask", scheduler="tcp://x:1", workers=2)
    with pytest.raises(UsageError, match="--memory-limit takes a size"):
        had_cli.detect(scene, "grx", engine="dask", memory_limit="much")
    with pytest.raises(UsageError, match="on the CPUs of its workers"):
        had_cli.detect(scene, "grx", engine="dask", device="cuda")


def test_dask_is_imported_where_it_is_asked_for(scene):
    code = (
        "import sys, had_cli, had_cli.commands.detect, had_cli.commands.clusters;"
        f"had_cli.detect({str(scene)!r}, 'grx', engine='stream', device='cpu');"
        "assert not {'dask', 'distributed'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def environment(folder):
    temporary = folder / "tmp"
    temporary.mkdir()
    return {**os.environ, "TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}


def test_a_scheduler_that_dies_is_one_line(scene, tmp_path):
    """It is found by the file that it wrote; the worker comes after had, which waits for it."""
    file, inside = tmp_path / "scheduler.json", environment(tmp_path)
    dask = [sys.executable, "-m", "dask"]
    how = {"env": inside, "stderr": subprocess.DEVNULL}
    out = tmp_path / "map.npy"
    words = ["detect", "-m", "tdd", scene, "-o", out, "--engine", "dask", "--scheduler", file]
    alone = ["--scheduler-file", file, "--no-dashboard"]
    with ExitStack() as stack:
        scheduler = stack.enter_context(ended([*dask, "scheduler", "--port", "0", *alone], **how))
        while not file.exists():
            assert scheduler.poll() is None
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        had = stack.enter_context(ended([*HAD, *words], env=inside, stderr=subprocess.PIPE, text=True))
        assert had.stderr.readline().startswith("weights: ")
        assert had.stderr.readline() == f"no worker at {address} yet; waiting for one\n"
        stack.enter_context(ended([*dask, "worker", "--nthreads", "1", "--no-nanny", *alone], **how))
        assert had.stderr.readline().startswith(f"dask: workers 1, threads 1, scheduler {address}")
        scheduler.kill()
        _, said = had.communicate(timeout=60)
    assert said == f"had: {address}: the scheduler is gone; start it again and repeat the run\n"
    assert had.returncode == 1
    assert not out.exists()


@contextmanager
def ended(words, **how):
    """Start a process that does not outlive the test."""
    with subprocess.Popen(words, **how) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ctrl_c_leaves_no_cluster_and_no_folder(scene, tmp_path):
    words = ["detect", "-m", "tdd", scene, "-o", tmp_path / "map.npy", "--engine", "dask", "--workers", "2"]
    inside = environment(tmp_path)
    with subprocess.Popen(
        [*HAD, *words], env=inside, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as had:
        assert had.stderr.readline().startswith("weights: ")
        assert had.stderr.readline().startswith("dask: workers 2, threads 2, scheduler tcp://127.0.0.1:")
        os.killpg(had.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        _, said = had.communicate(timeout=60)
    assert said == "had: interrupted\n"
    assert had.returncode == 130
    assert list(Path(inside["TMPDIR"]).iterdir()) == []
    until = time.monotonic() + 10
    while living := [
        process for process in psutil.process_iter(["environ", "status"]) if of(process, inside)
    ]:
        assert time.monotonic() < until, living
        time.sleep(0.1)


def of(process, inside):
    """Tell whether a process lives in this environment."""
    theirs, zombie = process.info["environ"] or {}, process.info["status"] == psutil.STATUS_ZOMBIE
    return theirs.get("TMPDIR") == inside["TMPDIR"] and not zombie
