"""How long the program takes to start, against the libraries it is built on, measured side by side."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.benchmark

FLOOR = [sys.executable, "-c", "import typer, rich"]
ROUNDS = 25
# as installed: typer has its byte code, and so has had
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=ENVIRONMENT)
    return time.perf_counter() - start


@pytest.mark.parametrize("words", [["--help"], ["plugins"]])
def test_had_starts_in_half_as_much_again_as_typer_and_rich(words):
    command = [sys.executable, "-m", "had_cli", *words]
    for each in (FLOOR, command):  # byte code and file caches
        seconds(each)
    pairs = [(seconds(FLOOR), seconds(command)) for _ in range(ROUNDS)]
    floor, measured = (min(times) * 1e3 for times in zip(*pairs, strict=True))
    ratio = measured / floor
    print(f"had {' '.join(words)}: {measured:.0f} ms, typer and rich: {floor:.0f} ms, ratio {ratio:.2f}")
    assert ratio <= 1.5
