"""Completion works in the shells themselves, and costs no heavy import."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

HAD = Path(sys.executable).with_name("had")
HEAVY = {"torch", "rasterio", "numpy", "scipy", "h5py"}


def shell(name):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"needs {name}")
    return found


@pytest.fixture
def script(tmp_path):
    """Return ``write(shell)``: the file of the script that ``had completion`` prints."""

    def write(name):
        done = subprocess.run([HAD, "completion", name], capture_output=True, text=True, check=True)
        path = tmp_path / f"had.{name}"
        path.write_text(done.stdout)
        return path

    return write


@pytest.fixture
def environment(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    known = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
    known |= {"HOME": str(home), "PATH": f"{HAD.parent}:/usr/bin:/bin"}
    return known | {"TERM": "dumb", "HAD_CONFIG": ""}


LINES = (
    ("had detect --method g", "grx"),
    ("had threshold map.tif --rule q", "quantile:0.999"),
    ("had detect --threshold cf", "cfar:1e-3"),
    ("had thr", "threshold"),
    ("had detect -m slrx --bl", "--block-size"),
    ("had quicklook --threshold q", "quantile:0.999"),
    ("had bench --recipe san", "san-diego"),
)


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_bash_completes(line, expected, script, environment):
    words = line.split()
    text = (
        f"source {script('bash')}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
        '$(complete -p had | sed "s/.*-F \\([^ ]*\\).*/\\1/") had; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        [shell("bash"), "--norc", "-c", text], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [expected]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_fish_completes(line, expected, script, environment):
    text = f'source {script("fish")}; complete -C "{line}"'
    done = subprocess.run(
        [shell("fish"), "--no-config", "-c", text],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [offered.split("\t")[0] for offered in done.stdout.splitlines()] == [expected]


@pytest.mark.parametrize(("line", "expected"), LINES)
def test_zsh_completes(line, expected, script, environment):
    """An interactive zsh gets the line and a tab, as from a user."""
    zsh, path = shell("zsh"), script("zsh")
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(zsh, [zsh, "-f", "-i"], environment)
    try:
        os.write(terminal, b"PS1='ready> '; autoload -U compinit; compinit -u -D\n")
        os.write(terminal, f"source {path}; unsetopt beep; echo sour''ced\n".encode())
        read_until(terminal, r"sourced\r?\n.*ready> ")
        os.write(terminal, f"{line}\t".encode())
        seen = read_until(terminal, re.escape(expected.replace(":", "\\:")) + "|" + re.escape(expected))
        assert line.rsplit(" ", 1)[0] in seen
    finally:
        os.close(terminal)
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def read_until(terminal, pattern, patience=40.0):
    """Return what a terminal shows until a pattern appears."""
    seen, end = "", time.monotonic() + patience
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
            plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\x08", "", seen)
            if re.search(pattern, plain, re.DOTALL):
                return plain
    raise AssertionError(f"{pattern!r} does not appear in {seen!r}")


def test_the_recipes_offered_are_those_that_there_are():
    from had_cli.bench.recipes import RECIPES
    from had_cli.commands import bench

    assert tuple(RECIPES) == bench.RECIPES


def test_powershell_gets_its_script():
    done = subprocess.run([HAD, "completion", "powershell"], capture_output=True, text=True, check=True)
    assert "Register-ArgumentCompleter -Native -CommandName had" in done.stdout


def test_an_unknown_shell_is_wrong_usage():
    done = subprocess.run([HAD, "completion", "tcsh"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "tcsh" in done.stderr


@pytest.mark.parametrize("line", [line for line, _ in LINES])
def test_completing_imports_nothing_heavy(line):
    text = (
        "import atexit, os, sys; from had_cli.__main__ import main\n"
        "atexit.register(lambda: print(sorted(sys.modules), file=sys.stderr))\n"
        "sys.argv = ['had']; main()"
    )
    words = line.split()
    known = {"_HAD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [sys.executable, "-c", text], env={**os.environ, **known}, capture_output=True, text=True, check=False
    )
    loaded = set(re.findall(r"'(\w+)'", done.stderr))
    assert "typer" in loaded
    assert not loaded & HEAVY
