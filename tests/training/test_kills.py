"""Trainings that are killed at any moment: --resume gives the uninterrupted bytes, nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from had_cli.plugin.testing import example_cube
from had_cli.training.checkpoint import FILE

SMALL = Path(__file__).parents[1] / "plugins" / "fers" / "small_fers.py"  # FERD's and FERS's graph in small
PATCHES = ["--backbone", "random", "--patches", "2", "--batch-size", "2", "--epochs", "4"]
NARROW = ["--width", "0.06", "--components", "6", "--patch", "16", "--max-size", "5", "--input-size", "32"]
TRAININGS = {
    "ferd": PATCHES,
    "fers": [*PATCHES, "--teacher-backbone", "random", "--teacher-epochs", "2"],
    "tdd": [*NARROW, "--recipe", "dependable", "--patches", "8", "--epochs", "8"],
    "nl2net": ["--channels", "8", "--blocks", "3", "--epochs", "60", "--checkpoint-every", "5"],
}
SIGNALS = {"KILL": (signal.SIGKILL, 1), "TERM": (signal.SIGTERM, 1), "TERM twice": (signal.SIGTERM, 2)}
KILLS = int(os.environ.get("HAD_KILLS", "0"))  # so many moments for each; without, a sample
# of the time that an uninterrupted training takes
MOMENTS = np.random.default_rng(15).uniform(0.05, 1.02, max(1, KILLS))
SAMPLE = {("tdd", "KILL"), ("tdd", "TERM twice"), ("nl2net", "TERM")}  # FERD's and FERS's tests kill them


def _hearing() -> None:
    """Undo the deafness to signals that background jobs hand down to the tests."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


class Training:
    """One method's training in a folder, as processes."""

    def __init__(self, folder: Path, method: str) -> None:
        self.folder, self.temporary = folder, folder / "tmp"
        self.temporary.mkdir()
        count = 1 if method == "nl2net" else 4
        for number in range(count):
            np.save(folder / f"s{number}.npy", example_cube(30, 40, 6, seed=number)[0])
        self.words = ["train", "-m", method, *TRAININGS[method], "--device", "cpu"]
        self.words += [f"s{number}.npy" for number in range(count)]
        self.inputs = {path.name for path in folder.iterdir()}

    def start(self, *more: str) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, str(SMALL), *self.words, *more],
            cwd=self.folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary)},
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_hearing,  # noqa: PLW1509 - one thread here
        )

    def run(self, *more: str) -> None:
        process = self.start(*more)
        _, err = process.communicate(timeout=240)
        assert process.returncode == 0, err


@pytest.fixture(scope="module", params=TRAININGS if KILLS else ["tdd", "nl2net"])
def training(request, tmp_path_factory):
    """Return a training, the bytes of its weights, and how long it takes."""
    found = Training(tmp_path_factory.mktemp(request.param), request.param)
    begun = time.monotonic()
    found.run("-o", "whole")
    took = time.monotonic() - begun
    weights = (found.folder / "whole").read_bytes()
    (found.folder / "whole").unlink()
    return found, weights, took, request.param


@pytest.mark.parametrize("kind", SIGNALS)
@pytest.mark.parametrize("moment", MOMENTS, ids=lambda moment: f"{moment:.2f}")
def test_whenever_it_ends_it_can_be_resumed(training, kind, moment):
    found, weights, took, method = training
    if not KILLS and (method, kind) not in SAMPLE:
        pytest.skip("one of a sample; HAD_KILLS=50 runs all")
    number, times = SIGNALS[kind]
    state = found.folder / "state"
    options = ["-o", "resumed", "--checkpoint", "state"]
    process = found.start(*options)
    time.sleep(moment * took)
    for _ in range(times):
        process.send_signal(number)
        time.sleep(0.02)
    _, err = process.communicate(timeout=240)
    assert process.returncode in {-signal.SIGKILL, 143, -signal.SIGTERM, 0}, err
    assert "Traceback" not in err
    found.run(*options, "--resume")
    assert (found.folder / "resumed").read_bytes() == weights
    left = {path.name for path in found.folder.iterdir()} - found.inputs
    states = {path.name for path in state.iterdir()} - {"teacher.safetensors"}
    for path in (found.folder / "resumed", *state.iterdir()):
        path.unlink()
    state.rmdir()
    assert left == {"resumed", "state"}
    assert states == {FILE}
    assert not list(found.temporary.iterdir())
