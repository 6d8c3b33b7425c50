"""Every command, ended at random moments: what the next run gives, and what stays.

``python tests/hostile/kills.py`` (``make kills``) ends each job by SIGKILL at 50 random moments, by SIGINT
and SIGTERM, once and twice, at 30; the rerun (``--resume`` for trainings) must give the bytes of a run that
nobody ended, and nothing else may stay, no process either. ``--moments 2`` makes a sample of it.

Loading modules takes longer than the jobs: most of them run in a child forked from a process that has
loaded everything (:mod:`attack_server`). ``--fresh`` of them, spread over the signals, run in a process that
starts from nothing, so that the time in which modules load is met as well.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import generate
import numpy as np
from attack import Server
from attack_case import Case

HAD = [sys.executable, "-m", "had_cli"]
SMALL = [sys.executable, str(Path(__file__).parents[1] / "plugins" / "fers" / "small_fers.py")]
FORKED_BENCH = str(Path(__file__).with_name("forked_bench.py"))
PATCHES = ["--backbone", "random", "--patches", "2", "--batch-size", "2", "--epochs", "3", "--device", "cpu"]
NARROW = ["--recipe", "dependable", "--width", "0.06", "--components", "6", "--patch", "16"]
NARROW += ["--max-size", "5", "--input-size", "32"]
SIGNALS = {
    "KILL": (signal.SIGKILL, 1),
    "INT": (signal.SIGINT, 1),
    "INT twice": (signal.SIGINT, 2),
    "TERM": (signal.SIGTERM, 1),
    "TERM twice": (signal.SIGTERM, 2),
}
MOMENTS = {"KILL": 50}  # 30 for the others
FAULTS = ("Traceback", "unexpected", "terminate called")
# times differ from run to run
VOLATILE = {"timings.json", "timings.csv", "results.md", "results.tex", "bench.lock"}


@dataclass(frozen=True)
class Job:
    """A command, and what a rerun needs beside the same words."""

    words: list[str]
    again: tuple[str, ...] = ()
    program: list[str] = field(default_factory=lambda: HAD)
    forked: str = ""  # the program in a child that has everything loaded; default: had itself


def jobs() -> dict[str, Job]:
    """Return every job by name."""
    found = {}
    for method in ("grx", "slrx", "ssf"):
        for engine in ("memory", "stream"):
            words = ["detect", "-m", method, "s0.npy", "-o", "map.tif", "--engine", engine]
            found[f"detect-{method}-{engine}"] = Job(words)
    found["detect-cog"] = Job(["detect", "-m", "grx", "s0.npy", "-o", "map.tif", "--cog"])
    for suffix in ("tif", "hdr", "zarr", "mat", "npy", "npz"):
        found[f"convert-{suffix}"] = Job(["convert", "s0.npy", f"o.{suffix}"])
    rule = ["--rule", "quantile:0.99", "-o", "m.tif", "--vector", "p.geojson"]
    found["threshold"] = Job(["threshold", "score.tif", *rule])
    found["report"] = Job(["report", "s0.npy", "score.tif", "-o", "page.html"])
    found["bench"] = Job(["bench", "t.npz", "-m", "grx", "-m", "slrx", "-o", "b"], forked=FORKED_BENCH)
    for method, options, scenes in (
        ("ferd", PATCHES, 4),
        ("fers", [*PATCHES, "--teacher-backbone", "random", "--teacher-epochs", "2"], 4),
        ("tdd", [*NARROW, "--patches", "8", "--epochs", "6", "--device", "cpu"], 4),
        ("nl2net", ["--channels", "8", "--blocks", "2", "--epochs", "30", "--checkpoint-every", "5"], 1),
    ):
        words = ["train", "-m", method, *options, "-o", "w", "--checkpoint", "state"]
        words += [f"s{number}.npy" for number in range(scenes)]
        found[f"train-{method}"] = Job(words, ("--resume",), SMALL, SMALL[1])
    return found


class Running(Protocol):
    """A process that runs a job."""

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""

    def wait(self) -> tuple[int, str, bool]:
        """Return its status, what it said, and whether a process of it is still there."""


class Fresh:
    """An interpreter that starts from nothing."""

    def __init__(self, place: Place, job: Job, more: tuple[str, ...]) -> None:
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "TMPDIR": str(place.temporary / "True"),
            "HAD_CONFIG": "",
        }
        self._process = subprocess.Popen(
            [*job.program, *job.words, *more],
            cwd=place.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=hearing,  # noqa: PLW1509 - one thread here
        )
        self.send_signal = self._process.send_signal

    def wait(self) -> tuple[int, str, bool]:
        """Return its status, what it said, and whether a process of it is still there."""
        _, err = self._process.communicate(timeout=600)
        with contextlib.suppress(ProcessLookupError):
            for _ in range(1000):
                os.killpg(self._process.pid, 0)
                time.sleep(0.002)
            return self._process.returncode, err, True
        return self._process.returncode, err, False


class Forked:
    """A child of a process that has everything loaded."""

    def __init__(self, place: Place, job: Job, more: tuple[str, ...], server: Server) -> None:
        self._errors, self._server = place.errors, server
        program = {"program": job.forked} if job.forked else {}
        self._child = server.begin(place.folder, Case([*job.words, *more]), **program)

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child, number)

    def wait(self) -> tuple[int, str, bool]:
        """Return its status, what it said, and whether a process of it is still there."""
        ended = self._server.ended()
        return ended["status"], self._errors.read_text("utf-8", "replace"), ended["left"] or ended["late"]


class Place:
    """A folder with the inputs of every job."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temporary = folder / "here", folder / "tmp"
        self.folder.mkdir()
        self.temporary.mkdir()
        self.errors = folder / "err"
        # one server without torch, whose size every fork pays for
        self.servers = [Server(self.temporary / str(torch), torch=torch) for torch in (False, True)]
        for server in self.servers:
            server.seconds, server.space = 600.0, 0
        for number in range(4):
            np.save(self.folder / f"s{number}.npy", generate.make_cube(60, 64, 12, "f4", seed=number))
        truth = generate.make_truth(60, 64)
        generate.write_npz(self.folder / "t.npz", generate.make_cube(60, 64, 12), map=truth)
        scores = np.abs(generate.make_cube(60, 64, 1, "f4"))
        generate.write_geotiff(self.folder / "score.tif", scores)
        self.inputs = self.content()

    def content(self) -> dict[str, bytes]:
        """Return every file by name, hidden ones as well, but for what says how long something took."""
        found = {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file() and path.name not in VOLATILE
        }
        found |= {
            f"{path.relative_to(self.folder)}/": b"" for path in self.folder.rglob("*") if path.is_dir()
        }
        # a cell keeps its times beside its outcome
        return {name: b"" if name.startswith("b/cells/") else content for name, content in found.items()}

    def start(self, job: Job, *more: str, fresh: bool) -> Running:
        """Begin a job."""
        if fresh:
            return Fresh(self, job, more)
        return Forked(self, job, more, self.servers[job.program is SMALL])

    def stray(self) -> list[Path]:
        """Return what lies among the temporary files."""
        return [path for path in self.temporary.glob("*/*") if path.name != "home"]

    def close(self) -> None:
        """End the servers."""
        for server in self.servers:
            server.close()

    def reset(self) -> None:
        """Remove what a job has made."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in self.inputs:
                path.unlink()
        for path in self.stray():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def hearing() -> None:
    """Undo the deafness to signals that background jobs hand down."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def whole(place: Place, job: Job, *, fresh: bool) -> tuple[dict[str, bytes], float]:
    """Return what a job makes that nobody ends, and the seconds it takes."""
    place.reset()
    begun = time.monotonic()
    status, err, _ = place.start(job, fresh=fresh).wait()
    assert status == 0, err
    return place.content(), time.monotonic() - begun


def ended(place: Place, job: Job, kind: str, after: float, expected: dict[str, bytes], *, fresh: bool) -> str:
    """Return what became of a job that was ended ``after`` seconds and run again."""
    place.reset()
    number, times = SIGNALS[kind]
    process = place.start(job, fresh=fresh)
    time.sleep(after)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.02)
    status, err, left = process.wait()
    early = interrupted_before(err)  # which Python itself ends with 1 at times
    if not early and any(word in err for word in FAULTS):
        return f"traceback: {err[-400:]}"
    if status not in {0, -number, 128 + number} and not (early and status == 1):
        return f"status {status}: {err[-400:]}"
    if left:
        return "a process outlives it"
    if status == 0:  # it was there before the signal
        return "was faster" if place.content() == expected else "ended well with other bytes"
    if any(place.content().get(name) != content for name, content in place.inputs.items()):
        return "an input is lost"
    status, err, _ = place.start(job, *job.again, fresh=fresh).wait()
    if status and "exists already" in err and not job.again:
        # it was killed between the last file's taking its place and its own end
        return "was complete" if place.content() == expected else f"not complete: {err[-300:]}"
    if status:
        return f"the rerun fails: {err[-400:]}"
    found = place.content()
    stray = sorted(set(found) - set(expected)) or [path.name for path in place.stray()]
    if stray:
        return f"stays: {stray[:4]}"
    differs = [name for name in expected if found.get(name) != expected[name]]
    return f"differs: {differs[:4]}" if differs else "same"


def interrupted_before(err: str) -> bool:
    """Tell whether an interrupt came while the interpreter itself began, with no line of had's yet run."""
    return err.endswith("KeyboardInterrupt\n") and "had_cli/" not in err


def moments(place: Place, name: str, job: Job, given: argparse.Namespace) -> tuple[Counter[str], int]:
    """Run a job that is ended at every moment; return how often what became of it, and how many are bad."""
    expected, forked = whole(place, job, fresh=False)
    forked = min(forked, whole(place, job, fresh=False)[1])  # the first one loads what is left to load
    started, took = whole(place, job, fresh=True)
    assert started == expected, [n for n in expected if started.get(n) != expected[n]]
    counts: Counter[str] = Counter()
    bad = 0
    for number, kind in enumerate(SIGNALS):
        draw = random.Random(f"{given.seed} {name} {kind}")
        for moment in range(given.moments or MOMENTS.get(kind, 30)):
            # the first ones of each signal start from nothing
            fresh = moment < (given.fresh - number + len(SIGNALS) - 1) // len(SIGNALS)
            after = draw.uniform(0, 1.05 * (took if fresh else forked))
            outcome = ended(place, job, kind, after, expected, fresh=fresh)
            counts[outcome if outcome in SOUND else "bad"] += 1
            if outcome not in SOUND:
                bad += 1
                how = "fresh" if fresh else "forked"
                print(f"{name}, {kind} after {after:.3f} s ({how}): {outcome}", flush=True)
    return counts, bad


SOUND = {"same", "was faster", "was complete"}


def main() -> int:
    """Run all jobs, or one; return 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, help="for each signal; default: 50 for KILL, 30 for others")
    parser.add_argument("--fresh", type=int, default=5, help="of each job, those in a process of their own")
    parser.add_argument("--only", metavar="JOB", action="append", choices=list(jobs()))
    parser.add_argument("--seed", type=int, default=15)
    given = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="had-kills-") as folder:
        place = Place(Path(folder))
        try:
            for name, job in jobs().items():
                if given.only and name not in given.only:
                    continue
                begun = time.monotonic()
                counts, here = moments(place, name, job, given)
                bad += here
                told = ", ".join(f"{what} {count}" for what, count in counts.most_common())
                took = time.monotonic() - begun
                print(f"{name:20} moments {counts.total():3}, bad {here}: {told}; {took:.0f} s", flush=True)
        finally:
            place.close()
    print(f"{bad} are not as they should be" if bad else "all as it should be")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
