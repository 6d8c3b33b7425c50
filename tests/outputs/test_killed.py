"""Killed in the middle of overwriting: the old files or the new ones, never neither, and nothing left behind.

``HAD_KILLS`` says how many random moments each format is killed at.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import writing

from had_cli.publishing.scratch import scratch_beside, sweep
from had_cli.scenes.open import open_scene

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked processes")

KILLS = int(os.environ.get("HAD_KILLS", "15"))
FORMATS = [".tif", ".hdr", ".zarr", ".mat", ".npy", ".npz"]


class Killable:
    """Writes in processes that are killed."""

    def __init__(self, folder):
        self.server = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("writing.py"), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def write(self, path, which, *, step=None, after=None):
        """Write a cube, killed before a step or ``after`` seconds; return whether it was killed."""
        self.server.stdin.write(json.dumps({"path": str(path), "which": which, "step": step}) + "\n")
        self.server.stdin.flush()
        child = int(self.server.stdout.readline())
        if after is not None:
            time.sleep(after)
            os.kill(child, signal.SIGKILL)  # perhaps of one that has ended and is being waited for
        return self.server.stdout.readline() == "1\n"


@pytest.fixture(scope="module")
def killable(tmp_path_factory):
    made = Killable(tmp_path_factory.mktemp("server"))
    yield made
    made.server.kill()
    made.server.communicate()


def holds(path, which):
    cube = writing.cube(which)
    with open_scene(path) as scene:
        return scene.shape == cube.shape and bool((scene.read() == cube).all())


def visible(folder):
    return sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))


def everything(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("suffix", FORMATS)
def test_at_random_moments(tmp_path, suffix, killable):
    path = tmp_path / f"out{suffix}"
    killable.write(path, "old")
    start = time.perf_counter()
    killable.write(path, "new")
    whole = time.perf_counter() - start
    names = visible(tmp_path)
    draw = random.Random(15)
    there, other = "new", "old"
    for _ in range(KILLS):
        try:
            killable.write(path, other, after=draw.uniform(0, 1.2 * whole))
        except ProcessLookupError:  # it had ended
            killable.server.stdout.readline()
        replaced = holds(path, other)
        assert replaced or holds(path, there)
        if replaced:
            there, other = other, there
    killable.write(path, "old")
    assert holds(path, "old")
    assert everything(tmp_path) == names


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("companion", [False, True])
def test_between_any_two_steps(tmp_path, suffix, companion, killable):
    """Names are changed by few calls of the system; here each of them is the one that never comes."""
    step, killed, outcomes = 0, True, set()
    while killed:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        path = folder / f"out{suffix}"
        writing.write(path, "old")
        names = visible(folder)
        if companion:
            (folder / f"{path.name}.msk").write_bytes(b"of the old one")
        killed = killable.write(path, "new", step=step)
        # where the named file is missing, opening it puts the set in order
        before = {which for which in ("old", "new") if holds(path, which)}
        sweep(folder)
        replaced = holds(path, "new")
        assert replaced or holds(path, "old")
        assert before == ({"new"} if replaced else {"old"}) or (before, replaced) == ({"old"}, True)
        assert everything(folder) == sorted(names + [f"{path.name}.msk"] * (companion and not replaced))
        outcomes.add(replaced)
    assert outcomes == {True, False}


@pytest.mark.parametrize("suffix", [".hdr", ".npy"])
def test_a_new_set_is_there_whole_or_not_at_all(tmp_path, suffix, killable):
    step, killed, outcomes = 0, True, set()
    while killed:
        step += 1
        folder = tmp_path / str(step)
        folder.mkdir()
        killed = killable.write(folder / f"out{suffix}", "new", step=step)
        sweep(folder)
        outcomes.add(len(everything(folder)))
        assert not everything(folder) or holds(folder / f"out{suffix}", "new")
    assert outcomes == {0, 2}


def test_what_somebody_put_there_after_the_kill_is_left_alone(tmp_path, killable):
    for step in range(1, 30):
        folder = tmp_path / str(step)
        folder.mkdir()
        path = folder / "out.hdr"
        writing.write(path, "old")
        killable.write(path, "new", step=step)
        if not path.exists():
            break
    assert not path.exists()
    path.write_text("mine")
    sweep(folder)
    assert path.read_text() == "mine"


def test_only_what_dead_processes_left_is_removed(tmp_path):
    program = (
        "import sys, time; from pathlib import Path; from had_cli.files import written_whole\n"
        "with written_whole(Path(sys.argv[1])) as scratch:\n"
        "    scratch.write_bytes(b'x' * 1000); print('there', flush=True); time.sleep(60)\n"
    )
    living, dead = (
        subprocess.Popen([sys.executable, "-c", program, tmp_path / name], stdout=subprocess.PIPE, text=True)
        for name in ("living.bin", "dead.bin")
    )
    try:
        for process in (living, dead):
            assert process.stdout.readline() == "there\n"
        (tmp_path / ".had-abcdefgh-of-a-user").mkdir()
        (tmp_path / ".had-abcdefgh-of-a-user" / "new").mkdir()
        (tmp_path / ".had-abcdefgh-of-a-user" / "notes").write_text("precious")
        dead.kill()
        dead.wait()
        writing.write(tmp_path / "other.npy", "old")
        left = sorted(file.name for file in tmp_path.iterdir())
        assert [name.partition("-")[2][9:] for name in left if name.startswith(".")] in (
            ["living.bin", "of-a-user"],
            ["of-a-user", "living.bin"],
        )
        assert left[2:] == ["other.npy", "other.npy.json"]
        assert everything(tmp_path / ".had-abcdefgh-of-a-user") == ["new", "notes"]
    finally:
        for process in (living, dead):
            process.kill()
            process.wait()
            process.stdout.close()


@pytest.mark.parametrize("moment", ["as files go", "as the lock goes", "as the folder goes"])
def test_what_a_thread_writes_into_a_folder_that_is_being_removed_goes_with_the_next_run(
    tmp_path, monkeypatch, moment
):
    rmtree, unlink, rmdir = shutil.rmtree, Path.unlink, Path.rmdir

    def late(scratch):
        (scratch / "new" / "o.zarr" / "c").mkdir(parents=True)

    def files_gone(folder, **options):
        rmtree(folder, **options)
        late(folder.parent)

    def lock_gone(file, **options):
        unlink(file, **options)
        late(file.parent)

    def folder_gone(folder):
        rmdir(folder)
        late(folder)

    with scratch_beside(tmp_path / "o.zarr"):
        if moment == "as files go":
            monkeypatch.setattr(shutil, "rmtree", files_gone)
        elif moment == "as the lock goes":
            monkeypatch.setattr(Path, "unlink", lock_gone)
        else:
            monkeypatch.setattr(Path, "rmdir", folder_gone)
    monkeypatch.undo()
    assert len(everything(tmp_path)) == 1
    sweep(tmp_path)
    assert everything(tmp_path) == []


def test_a_journal_of_another_kind_is_not_carried_out(tmp_path):
    left = tmp_path / ".had-abcdefgh-x"
    (left / "new").mkdir(parents=True)
    (left / "new" / "passwd").write_text("x")
    (left / "lock").touch()
    (left / "journal").write_text(
        '{"names": ["../passwd"], "gone": [], "before": {"../passwd": null},'
        ' "after": {"../passwd": null}, "overwrite": true}'
    )
    sweep(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".hdr", ".npy", ".tif"])
def test_an_error_in_the_middle_brings_everything_back(tmp_path, suffix, monkeypatch):
    from had_cli.errors import OutputError

    path = tmp_path / f"out{suffix}"
    writing.write(path, "old")
    (tmp_path / f"{path.name}.msk").write_bytes(b"of the old one")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    real = os.replace

    def refused(source, place, **options):
        if os.fspath(place) == os.fspath(path):
            raise PermissionError(1, "Operation not permitted")
        return real(source, place, **options)

    monkeypatch.setattr(os, "replace", refused)
    with pytest.raises(OutputError, match=r"cannot be written \(Operation not permitted\)"):
        writing.write(path, "new")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
