"""Time and memory of a command, whatever ran before it in this process.

A child inherits the high-water mark of the process that it is forked from, until it has a mark of its own; so
after a benchmark that took 6 GB, every child seems to take 6 GB. Commands are therefore started by a small
process between.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

_BETWEEN = """
import json, os, sys
child = os.fork()
if not child:
    os.execv(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(child, 0)
scale = 1 if sys.platform == "darwin" else 1024
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss * scale]), file=sys.stderr)
"""


class Run(NamedTuple):
    """Exit status, standard output, peak resident memory in bytes, and seconds of a command."""

    status: int
    output: str
    peak: int
    seconds: float


def measured(command: Sequence[str]) -> Run:
    """Run a command, whose first word is the path of a program."""
    start = time.perf_counter()
    between = [sys.executable, "-I", "-S", "-c", _BETWEEN]
    done = subprocess.run([*between, *map(str, command)], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    *told, last = done.stderr.splitlines()
    status, peak = json.loads(last)
    if status:
        print(*told, sep="\n", file=sys.stderr)
    return Run(status, done.stdout, peak, seconds)


def test_the_memory_of_a_command_is_its_own() -> None:
    filled = bytearray(2**29)  # this process takes more than the command does
    filled[::4096] = b"x" * len(filled[::4096])
    small = measured([sys.executable, "-I", "-S", "-c", "pass"])
    large = measured([sys.executable, "-I", "-S", "-c", f"x = b'x' * {2**27}"])
    assert small.status == large.status == 0
    assert small.peak < 2**25
    assert 2**27 < large.peak < 2**28
