"""What is built for others to install holds the product, and only that."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import numpy as np
import pytest

import had_cli
from had_cli.plugin.testing import example_cube

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build wheel and source distribution with the environment's own hatchling: no network."""
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def sources(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        # without the folder that carries name and version
        yield {name.partition("/")[2] for name in archive.getnames()}


def read(wheel, end):
    (name,) = [name for name in wheel.namelist() if name.endswith(end)]
    return wheel.read(name).decode()


def test_the_wheel_holds_the_core_and_the_method_packages(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {"had_cli", "had_grx", "had_slrx"} <= tops
    packages = {path.parent.name for path in (ROOT / "plugins").glob("had_*/__init__.py")}
    assert {top for top in tops if not top.endswith((".dist-info", ".data"))} == {"had_cli"} | packages


def test_the_wheel_brings_the_manual_pages_and_the_sources_the_qgis_plugin(wheel, sources):
    pages = {page.name for page in (ROOT / "docs" / "man").iterdir()}
    data = [name for name in wheel.namelist() if ".data/" in name]
    assert {name.partition(".data/data/")[2] for name in data} == {f"share/man/man1/{page}" for page in pages}
    assert "qgis/had_processing/metadata.txt" in sources


def test_every_module_of_the_tree_is_in_the_wheel(wheel):
    inside = set(wheel.namelist())
    for base in (ROOT, ROOT / "plugins"):
        for package in base.glob("had_*/"):
            for module in package.rglob("*.py"):
                assert str(module.relative_to(base)) in inside


def test_the_parts_of_the_report_are_in_the_wheel(wheel):
    parts = {str(part.relative_to(ROOT)) for part in (ROOT / "had_cli" / "report" / "page").iterdir()}
    assert len(parts) > 10
    assert parts <= set(wheel.namelist())


def test_the_wheel_is_marked_as_typed_and_holds_no_tests(wheel):
    names = wheel.namelist()
    packages = {name.partition("/")[0] for name in names if name.count("/") == 1 and name.endswith(".py")}
    assert {"had_cli", "had_grx"} <= packages
    assert [package for package in packages if f"{package}/py.typed" not in names] == []
    assert not [name for name in names if re.search(r"(^|/)(tests?|docs|conftest\.py)(/|$)", name)]
    assert not [name for name in names if "__pycache__" in name]


def test_the_wheel_holds_the_weights_that_methods_bring_and_stays_small(wheel):
    from had_cli.plugin import host

    declared = {w.file: w.sha256 for m in host.methods().values() for w in m.bundled}
    for place, sha256 in declared.items():
        package, _, file = place.partition(":")
        content = wheel.read(f"{package.replace('.', '/')}/{file}")
        assert hashlib.sha256(content).hexdigest() == sha256
    held = [name for name in wheel.namelist() if name.endswith(".safetensors")]
    assert len(held) == len(declared)
    assert Path(wheel.filename).stat().st_size < 25e6


def test_the_wheel_alone_lists_its_plugins_and_detects(built, tmp_path):
    """The wheel goes before the tree; `.ci/run` does the same where there is no tree at all."""
    (path,) = built.glob("*.whl")
    site, folder = tmp_path / "site", tmp_path / "here"
    folder.mkdir()
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--disable-pip-version-check",
        "--no-index",
        "--no-deps",
    ]
    subprocess.run([*pip, "--target", str(site), str(path)], check=True)
    np.save(folder / "scene.npy", example_cube()[0])

    def python(*words):
        environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    modules = "had_cli, had_grx, had_slrx, had_ferd, had_nl2net"
    where = python("-c", f"import {modules}\nfor m in ({modules}): print(m.__file__)").splitlines()
    assert all(Path(file).is_relative_to(site) for file in where)
    plugins = json.loads(python("-m", "had_cli", "plugins", "--json"))["plugins"]
    own = [plugin for plugin in plugins if plugin["distribution"] == "had"]
    assert {plugin["state"] for plugin in own} == {"ok"}
    for method in ("grx", "slrx"):
        python("-m", "had_cli", "detect", "-m", method, "scene.npy", "-o", f"{method}.npy")
        assert np.isfinite(np.load(folder / f"{method}.npy")).all()


def test_the_wheel_declares_the_command_and_the_built_in_plugins(wheel):
    points = read(wheel, "entry_points.txt")
    assert "had = had_cli.__main__:console" in points
    section = points.partition("[had.plugins]")[2]
    assert {"formats", "metrics", "grx", "slrx"} <= set(re.findall(r"^(\w+) = ", section, re.MULTILINE))


def test_the_metadata_carries_version_and_licence(wheel):
    metadata = HeaderParser().parsestr(read(wheel, "METADATA"))
    assert metadata["Name"] == "had"
    assert metadata["Version"] == had_cli.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert read(wheel, "licenses/LICENSE") == (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_source_distribution_can_be_built_tested_and_documented(sources):
    assert {
        "pyproject.toml",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "Makefile",
        "constraints.txt",
    } <= sources
    assert "plugins/had_grx/__init__.py" in sources
    assert "tests/conftest.py" in sources
    assert "docs/conf.py" in sources
    assert not [name for name in sources if name.startswith((".venv", "site/", "build/", "dist/", "demo/"))]


def test_the_version_is_stated_in_one_place():
    stated = re.compile(r"""^__version__\s*=\s*["']""", re.MULTILINE)
    files = [*ROOT.glob("had_cli/**/*.py"), *ROOT.glob("plugins/**/*.py")]
    assert [file.name for file in files if stated.search(file.read_text(encoding="utf-8"))] == ["_version.py"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "version" not in project
    assert project["dynamic"] == ["version"]
