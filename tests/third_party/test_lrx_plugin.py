"""A plugin that lives outside had's package: installed by pip, found, listed, helped and run."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from had_cli.plugin.testing import example_cube

PLUGIN = Path(__file__).resolve().parents[1] / "plugins_third_party" / "had_lrx"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Install the plugin as a user would, but offline and into a folder of its own."""
    target = tmp_path_factory.mktemp("site")
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "install", "-q", *offline, "--target", str(target), str(PLUGIN)]
    subprocess.run(command, check=True)
    return target


@pytest.fixture
def python(installed, tmp_path):
    """Run an interpreter that has the plugin, in an empty folder."""

    def run(*arguments, cwd=tmp_path):
        environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"}
        environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", COLUMNS="200", NO_COLOR="1")
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def had(python):
    return lambda *arguments: python("-m", "had_cli", *arguments)


def literal(*arguments):
    """Return the scores of the definition, from the plugin's own tests."""
    spec = importlib.util.spec_from_file_location("literal", PLUGIN / "tests" / "literal.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.literal(*arguments)


def test_detect_runs_the_installed_plugin_by_its_definition(had, tmp_path):
    cube, _ = example_cube(21, 26, 8)
    cube[3, 4] = np.nan
    np.save(tmp_path / "scene.npy", cube)
    done = had("detect", "-m", "lrx", "--inner", "3", "--outer", "7", "-o", "scores.npy", "scene.npy")
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(np.load(tmp_path / "scores.npy").squeeze(), literal(cube, 3, 7), rtol=1e-5)


def test_the_json_says_what_was_run(had, tmp_path):
    np.save(tmp_path / "scene.npy", example_cube(12, 12, 30)[0])
    done = had("detect", "-m", "lrx", "--inner", "1", "--outer", "5", "--json", "scene.npy")
    assert done.returncode == 0, done.stderr
    text = json.dumps(json.loads(done.stdout))
    assert '"outer": 5' in text
    assert "144 of 144 pixels have no more background pixels than bands (30)" in text


def test_plugins_lists_it_with_its_distribution_and_version(had):
    done = had("plugins", "--json")
    assert done.returncode == 0, done.stderr
    entries = json.loads(done.stdout)
    entries = entries["plugins"] if isinstance(entries, dict) else entries
    entry = next(entry for entry in entries if entry["name"] == "lrx")
    assert (entry["distribution"], entry["version"], entry["state"]) == ("had-lrx", "0.3.0", "ok")
    assert entry["methods"] == ["lrx"]


def test_its_parameters_are_options_with_help(had):
    done = had("detect", "-m", "lrx", "--help")
    assert done.returncode == 0, done.stderr
    for text in ("--inner", "--outer", "--ridge", "guard window"):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--inner", "0"), "--inner"),
        (("--inner", "4"), "must be odd"),
        (("--block-size", "8"), "--block-size"),
    ],
)
def test_wrong_usage_of_its_options_is_told_and_leaves_no_output(had, tmp_path, options, message):
    np.save(tmp_path / "scene.npy", example_cube(12, 12, 4)[0])
    done = had("detect", "-m", "lrx", *options, "-o", "scores.npy", "scene.npy")
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "scores.npy").exists()


def test_its_own_tests_pass_where_it_is_installed(python):
    # -P: the installed package is tested, not the folder
    done = python("-P", "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=PLUGIN)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_it_there_is_no_such_method():
    from had_cli.plugin import host

    assert "lrx" not in host.methods()
