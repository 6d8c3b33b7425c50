"""Every command, ended at random moments: what the next run gives, and what stays.

``python tests/hostile/kills.py`` (``make kills``) ends each job by SIGKILL at 50 random moments, by SIGINT
and SIGTERM, once and twice, at 30; the rerun (``--resume`` for trainings) must give the bytes of a run that
nobody ended, and nothing else may stay. ``--moments 2`` makes a sample of it.
"""

from __future__ import annotations

import argparse
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

import generate
import numpy as np

HAD = [sys.executable, "-m", "had_cli"]
SMALL = [sys.executable, str(Path(__file__).parents[1] / "plugins" / "fers" / "small_fers.py")]
PATCHES = ["--backbone", "random", "--patches", "2", "--batch-size", "2", "--epochs", "3", "--device", "cpu"]
NARROW = ["--width", "0.06", "--components", "6", "--patch", "16", "--max-size", "5", "--input-size", "32"]
SIGNALS = {
    "KILL": (signal.SIGKILL, 1),
    "INT": (signal.SIGINT, 1),
    "INT twice": (signal.SIGINT, 2),
    "TERM": (signal.SIGTERM, 1),
    "TERM twice": (signal.SIGTERM, 2),
}
MOMENTS = {"KILL": 50}  # 30 for the others
VOLATILE = {"timings.json", "timings.csv", "results.md", "bench.lock"}  # times differ from run to run


@dataclass(frozen=True)
class Job:
    """A command, what it makes, and what a rerun needs beside the same words."""

    words: list[str]
    makes: tuple[str, ...]
    again: tuple[str, ...] = ()
    program: list[str] = field(default_factory=lambda: HAD)


def jobs() -> dict[str, Job]:
    """Return every job by name."""
    found = {}
    for method in ("grx", "slrx", "ssf"):
        for engine in ("memory", "stream"):
            words = ["detect", "-m", method, "s0.npy", "-o", "map.tif", "--engine", engine]
            found[f"detect-{method}-{engine}"] = Job(words, ("map.tif",))
    for suffix in ("tif", "hdr", "mat", "npy", "npz"):
        makes = (f"o.{suffix}", *({"hdr": ("o.img",), "npy": ("o.npy.json",)}.get(suffix, ())))
        found[f"convert-{suffix}"] = Job(["convert", "s0.npy", makes[0]], makes)
    rule = ["--rule", "quantile:0.99", "-o", "m.tif", "--vector", "p.geojson"]
    found["threshold"] = Job(["threshold", "score.tif", *rule], ("m.tif", "p.geojson"))
    found["report"] = Job(["report", "s0.npy", "score.tif", "-o", "page.html"], ("page.html",))
    found["bench"] = Job(["bench", "t.npz", "-m", "grx", "-m", "slrx", "-o", "b"], ("b",))
    for method, options, scenes in (
        ("ferd", PATCHES, 4),
        ("fers", [*PATCHES, "--teacher-backbone", "random", "--teacher-epochs", "2"], 4),
        ("tdd", [*NARROW, "--patches", "8", "--epochs", "6", "--device", "cpu"], 4),
        ("nl2net", ["--channels", "8", "--blocks", "2", "--epochs", "30", "--checkpoint-every", "5"], 1),
    ):
        words = ["train", "-m", method, *options, "-o", "w", "--checkpoint", "state"]
        words += [f"s{number}.npy" for number in range(scenes)]
        found[f"train-{method}"] = Job(words, ("w",), ("--resume",), SMALL)
    return found


class Place:
    """A folder with the inputs of every job."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temporary = folder / "here", folder / "tmp"
        self.folder.mkdir()
        self.temporary.mkdir()
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
        # a cell keeps its times beside its outcome
        return {name: b"" if name.startswith("b/cells/") else content for name, content in found.items()}

    def start(self, job: Job, *more: str) -> subprocess.Popen:
        """Begin a job."""
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary), "HAD_CONFIG": ""}
        return subprocess.Popen(
            [*job.program, *job.words, *more],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hearing,  # noqa: PLW1509 - one thread here
        )

    def reset(self) -> None:
        """Remove what a job has made."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in self.inputs:
                path.unlink()
        for path in self.temporary.iterdir():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()


def hearing() -> None:
    """Undo the deafness to signals that background jobs hand down."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def whole(place: Place, job: Job) -> tuple[dict[str, bytes], float]:
    """Return what a job makes that nobody ends, and the seconds it takes."""
    place.reset()
    begun = time.monotonic()
    process = place.start(job)
    _, err = process.communicate(timeout=600)
    assert process.returncode == 0, err
    return place.content(), time.monotonic() - begun


def ended(place: Place, job: Job, kind: str, after: float, expected: dict[str, bytes]) -> str:
    """Return what became of a job that was ended ``after`` seconds and run again."""
    place.reset()
    number, times = SIGNALS[kind]
    process = place.start(job)
    time.sleep(after)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.02)
    _, err = process.communicate(timeout=600)
    if "Traceback" in err or "unexpected" in err:
        return f"traceback: {err[-400:]}"
    if process.returncode not in {0, -number, 128 + number}:
        return f"status {process.returncode}: {err[-400:]}"
    if process.returncode == 0:  # it was there before the signal
        return "was faster" if place.content() == expected else "ended well with other bytes"
    if any(place.content().get(name) != content for name, content in place.inputs.items()):
        return "an input is lost"
    again = place.start(job, *job.again)
    _, err = again.communicate(timeout=600)
    if again.returncode and "exists already" in err and not job.again:
        # it was killed between the last file's taking its place and its own end
        return "was complete" if place.content() == expected else f"not complete: {err[-300:]}"
    if again.returncode:
        return f"the rerun fails: {err[-400:]}"
    found = place.content()
    stray = sorted(set(found) - set(expected)) or [path.name for path in place.temporary.iterdir()]
    if stray:
        return f"stays: {stray[:4]}"
    differs = [name for name in expected if found.get(name) != expected[name]]
    return f"differs: {differs[:4]}" if differs else "same"


SOUND = {"same", "was faster", "was complete"}


def main() -> int:
    """Run all jobs, or one; return 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--moments", type=int, help="for each signal; default: 50 for KILL, 30 for others")
    parser.add_argument("--only", metavar="JOB", action="append", choices=list(jobs()))
    parser.add_argument("--seed", type=int, default=15)
    given = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="had-kills-") as name:
        place = Place(Path(name))
        for job_name, job in jobs().items():
            if given.only and job_name not in given.only:
                continue
            expected, took = whole(place, job)
            for kind in SIGNALS:
                draw = random.Random(f"{given.seed} {job_name} {kind}")
                counts: Counter[str] = Counter()
                for _ in range(given.moments or MOMENTS.get(kind, 30)):
                    after = draw.uniform(0, 1.05 * took)
                    outcome = ended(place, job, kind, after, expected)
                    counts[outcome] += 1
                    if outcome not in SOUND:
                        bad += 1
                        print(f"{job_name}, {kind} after {after:.3f} of {took:.3f} s: {outcome}", flush=True)
                told = ", ".join(f"{what} {count}" for what, count in counts.items() if what in SOUND)
                print(f"{job_name:20} {kind:10} {counts.total():3} {told}", flush=True)
    print(f"{bad} are not as they should be" if bad else "all as it should be")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
