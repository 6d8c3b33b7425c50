"""A fresh process per cell, so that a cell's peak memory is its own and its crash harms no other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from typing import IO, Any

# the child finds every module where this process does, also when started from a source tree
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); from had_cli.bench.child import main; main()"
)


def run_job(
    job: dict[str, Any],
    progress: Callable[[str, float], None],
    *,
    show_errors: bool = False,
    folder: str | None = None,
) -> dict[str, Any]:
    """Return the last message of the child that ran ``job`` (see :mod:`had_cli.bench.child`).

    Parameters
    ----------
    progress
        Called with a label and a fraction while the child runs.
    show_errors
        Pass on what the child wrote to standard error, tracebacks included.
    folder
        Where the child runs, to which paths in the job are relative; default: here.
    """
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(  # noqa: S603 - this very interpreter
            [sys.executable, "-c", _START, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=folder,
        )
        try:
            last = _converse(child, job, progress)
            child.wait()
        finally:
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                if pipe is not None:
                    _close(pipe)
        written = _text(log)
    if show_errors and written:
        sys.stderr.write(written)
    return last or {"error": _how_it_ended(child.returncode, written)}


def _converse(
    child: subprocess.Popen[bytes], job: dict[str, Any], progress: Callable[[str, float], None]
) -> dict[str, Any] | None:
    assert child.stdin is not None  # noqa: S101 - both were asked for
    assert child.stdout is not None  # noqa: S101
    try:
        child.stdin.write(json.dumps(job).encode() + b"\n")
        child.stdin.flush()  # and stays open: the child lives as long as this end of the pipe
    except BrokenPipeError:  # it ended before it began; the log says why
        return None
    for line in child.stdout:
        message: dict[str, Any] = json.loads(line)
        if "progress" not in message:
            return message
        label, fraction = message["progress"]
        progress(label, fraction)
    return None


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:  # what was not yet written has nobody to read it
        return


def _text(log: IO[bytes]) -> str:
    log.seek(0)
    return log.read().decode(errors="replace")


def _how_it_ended(status: int, written: str) -> str:
    lines = written.strip().splitlines()
    said = f": {' '.join(lines[-1].split())}" if lines else ""
    if status >= 0:
        return f"its process ended with status {status} and no result{said}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    hint = "; most likely the system ran out of memory" if name == "SIGKILL" else ""
    return f"its process was ended by {name}{hint}{said}"
