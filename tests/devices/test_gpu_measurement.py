"""The measurement for machines with CUDA says in one line that this machine has none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from had_cli.engine.devices import why_no_cuda

SCRIPT = Path(__file__).parents[2] / "docs" / "measurements" / "gpu.py"


def test_without_cuda_it_says_so_in_one_line():
    if why_no_cuda() is None:
        pytest.skip("this machine has a CUDA device")
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("this measurement needs a CUDA device: ")
    assert done.stderr.count("\n") == 1
