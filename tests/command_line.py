"""The console script run in this process: what it printed, how it ended, what it left."""

import contextlib
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from had_cli.__main__ import main


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    status: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line with which the command failed: no more, and no traceback."""
        assert self.status == 1, (self.status, self.err)
        assert self.err.startswith("had: "), self.err
        assert self.err.count("\n") == 1, self.err
        assert self.err.endswith("\n"), self.err
        assert "unexpected" not in self.err, self.err
        return self.err[len("had: ") : -1]


def run_had(*words: object) -> Ended:
    """Run ``had`` with ``words``."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["had", *map(str, words)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as ended:
        status = ended.code or 0
    finally:
        sys.argv = before
    assert isinstance(status, int)
    return Ended(status, out.getvalue(), err.getvalue())


def files(folder: Path) -> list[str]:
    """Return the names of everything in a folder, hidden files as well."""
    return sorted(os.listdir(folder))  # noqa: PTH208 - names alone


@pytest.fixture
def had(tmp_path, monkeypatch) -> Callable[..., Ended]:
    """Return ``had(*words)``, run in an empty folder ``here``."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")
    return run_had
