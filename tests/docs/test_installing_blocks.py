"""The blocks that change an environment run in one of their own: nothing of README is only read."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from pages import blocks_of

import had_cli

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(sysconfig.get_path("purelib"))
BUILDING = ("hatchling", "packaging", "pathspec", "pluggy", "trove_classifiers")  # what pip would download


def blocks(page, word):
    return [b for b in blocks_of(ROOT / page) if b.left_out is not None and b.code.startswith(word)]


@pytest.fixture
def environment(tmp_path):
    """Make an empty environment, but for what builds a wheel; return its folder."""
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in BUILDING:
        (site / name).symlink_to(HERE / name)
    return folder


@pytest.mark.parametrize("page", ["README.md", "docs/guide/installing.md"])
def test_the_installation_installs(page, environment, tmp_path):
    (block,) = blocks(page, "pip install")
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        cwd=ROOT,
        env={**os.environ, **offline, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "does not provide the extra" not in done.stdout + done.stderr
    told = subprocess.run(
        [environment / "bin" / "had", "--version"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(HERE)},  # for the dependencies, which were not downloaded
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == f"had {had_cli.__version__}\n"
    where = [
        environment / "bin" / "python",
        "-c",
        "import had_cli, had_grx; print(had_cli.__file__, had_grx.__file__)",
    ]
    files = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.split()
    assert all(Path(file).is_relative_to(environment) for file in files)


@pytest.mark.skipif(sys.platform == "win32", reason="make is not there")
@pytest.mark.parametrize("page", ["README.md", "docs/guide/installing.md", "docs/contributing.md"])
def test_the_targets_of_make_are_there(page):
    (block,) = blocks(page, "make")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.code],
        cwd=ROOT,
        env={**os.environ, "MAKEFLAGS": "n"},  # says what it would do
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "had demo" in done.stdout or "pytest" in done.stdout


def test_no_block_of_the_readme_is_only_read():
    left_out = [block.line for block in blocks_of(ROOT / "README.md") if block.left_out is not None]
    run_here = [b.line for word in ("pip install", "make") for b in blocks("README.md", word)]
    assert left_out == sorted(run_here)
