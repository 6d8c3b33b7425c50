"""The command line run in this process, and a scene to run it on."""

import sys
from dataclasses import dataclass

import numpy as np
import pytest
import scipy.io
from distributions import site

from had_cli.__main__ import main

__all__ = ["had", "scene", "site"]


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str


@pytest.fixture
def had(tmp_path, monkeypatch, capsys):
    """Return ``had(*words)``, which runs the console script in an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["had", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return Ended(ended.value.code or 0, *capsys.readouterr())

    return run


@pytest.fixture
def scene(tmp_path):
    """Return a .mat scene of 20 x 24 pixels and 8 bands with two anomalies and its truth."""
    rng = np.random.default_rng(7)
    cube = rng.normal(100, 5, (20, 24, 8)).astype(np.float32)
    truth = np.zeros((20, 24), np.uint8)
    for row, col in ((4, 5), (15, 17)):
        cube[row, col] += 60
        truth[row, col] = 1
    path = tmp_path / "line.mat"
    scipy.io.savemat(path, {"data": cube, "map": truth})
    return path
