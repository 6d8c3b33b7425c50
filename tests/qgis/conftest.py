"""QGIS without a screen, the plugin in a profile of its own, and a ``had`` that wants a clean environment."""

from __future__ import annotations

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGIN = ROOT / "qgis" / "had_processing"
PYTHON_OF_QGIS = "/usr/bin/python3"  # Debian's packages belong to the system's Python

_PROGRAM = """#!/bin/sh
# QGIS's own Python must not reach the program
if [ -n "$PYTHONPATH$PYTHONHOME$GDAL_DATA$PROJ_LIB" ]; then
  echo "had: the environment of QGIS was handed on" >&2
  exit 9
fi
PYTHONPATH={root}:{root}/plugins HAD_CONFIG= exec {python} -m had_cli "$@"
"""


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """Return an executable ``had`` of this tree that refuses the variables of QGIS."""
    path = tmp_path_factory.mktemp("program") / "had"
    path.write_text(_PROGRAM.format(root=ROOT, python=sys.executable))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture(scope="session")
def environment(tmp_path_factory, program):
    """Return the variables of a QGIS that has never been started, with PYTHONPATH set to tempt it."""
    home = tmp_path_factory.mktemp("home")
    home.chmod(0o700)
    plugins = home / ".local/share/QGIS/QGIS3/profiles/default/python/plugins"
    plugins.mkdir(parents=True)
    (plugins / PLUGIN.name).symlink_to(PLUGIN)
    return {
        "HOME": str(home),
        "XDG_RUNTIME_DIR": str(home),
        "PATH": "/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": "/nowhere",
        "PYTHONDONTWRITEBYTECODE": "1",
        "HAD_EXECUTABLE": str(program),
    }


@pytest.fixture(scope="session")
def qgis_process(environment):
    """Return ``run(*words)`` of qgis_process with the plugin enabled; skip where QGIS is absent."""
    # Debian's script passes an option of the desktop on, which qgis_process does not know
    found = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    if found is None:
        pytest.skip("needs qgis_process (package qgis)")

    def run(*words):
        return subprocess.run(
            [found, *map(str, words)],
            env=environment,
            cwd=environment["HOME"],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    enabled = run("plugins", "enable", PLUGIN.name)
    assert enabled.returncode == 0, enabled.stdout + enabled.stderr
    return run


@pytest.fixture(scope="session")
def pyqgis(environment):
    """Return ``run(script, *words)`` in QGIS's own Python; skip where there is none."""
    known = {**environment, "PYTHONPATH": "/usr/share/qgis/python/plugins"}

    def run(*words):
        return subprocess.run(
            [PYTHON_OF_QGIS, *map(str, words)],
            env=known, cwd=environment["HOME"], capture_output=True, text=True, check=False, timeout=240,
        )  # fmt: skip

    if not Path(PYTHON_OF_QGIS).exists() or run("-c", "import qgis.core, processing").returncode:
        pytest.skip("needs PyQGIS (package python3-qgis)")
    return run


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """Return the folder of a demo scene, flightline.hdr with its truth."""
    from had_cli.scenes.demo import make_scene

    folder = tmp_path_factory.mktemp("demo")
    make_scene(folder)
    return folder
