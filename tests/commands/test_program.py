"""The program as a whole: what starting it costs, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from distributions import install, install_broken

from had_cli._version import __version__
from had_cli.commands import COMMANDS

FULL = Path("/dev/full")
HEAVY = {"numpy", "torch", "scipy", "rasterio", "h5py", "sklearn", "pydantic", "rich.console"}


def python(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )


@pytest.mark.parametrize("words", [["--help"], ["plugins"], ["--version"]])
def test_starting_imports_nothing_heavy(words):
    code = (
        "import sys, runpy; import typer, rich; before = set(sys.modules)\n"
        "sys.argv = ['had', *sys.argv[1:]]\n"
        "try: runpy.run_module('had_cli', run_name='__main__')\n"
        "except SystemExit: print('MODULES', *sorted(set(sys.modules) - before))"
    )
    done = python("-c", code, *words)
    assert done.stderr == ""
    assert HEAVY & set(done.stdout.rpartition("MODULES")[2].split()) == set()


def test_detecting_on_the_cpu_imports_no_torch(scene, tmp_path):
    code = (
        "import sys; from had_cli.__main__ import main; sys.argv = ['had', *sys.argv[1:]]\n"
        "try: main()\nexcept SystemExit as end: assert not end.code\nassert 'torch' not in sys.modules"
    )
    done = python("-c", code, "detect", "-m", "grx", str(scene), "-o", str(tmp_path / "m.tif"))
    assert done.stderr == ""
    assert done.returncode == 0


def test_with_three_bad_plugins_each_is_named_with_its_reason_and_the_rest_works(scene, tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    install_broken(site)
    environment = {"PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}
    listed = python("-m", "had_cli", "plugins", **environment)
    assert listed.returncode == 0
    assert listed.stderr == ""
    assert "absent (had-bad-import): ModuleNotFoundError: No module named 'a_package" in listed.stdout
    assert "texts (had-bad-type): had_methods returned a list with str 'ace', not Method" in listed.stdout
    assert "grx2 (had-bad-name): the method name grx is taken by grx (had " in listed.stdout
    found = python(
        "-m", "had_cli", "detect", "-m", "grx", str(scene), "-o", str(tmp_path / "m.tif"), **environment
    )
    assert found.returncode == 0
    assert found.stderr == ""
    assert "AUC(D,F) 1.0000" in found.stdout


def test_a_reader_that_stops_reading_is_no_failure_worth_words():
    command = f"{sys.executable} -m had_cli plugins --json | {sys.executable} -c ''"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
    assert done.stderr == ""


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_standard_output_is_told():
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "had_cli", "plugins"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "had: cannot write to standard output: No space left on device\n"


def test_help_lists_every_command_with_its_line(had):
    shown = had("--help")
    assert shown.status == 0
    for name, summary in COMMANDS.items():
        assert f"{name} " in shown.out
        assert summary in shown.out
    assert had("-h").out == shown.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(had, command):
    shown = had(command, "--help")
    assert shown.status == 0
    assert f"had {command}" in shown.out
    assert COMMANDS[command].rstrip(".") in shown.out


def test_version(had):
    assert had("--version").out == f"had {__version__}\n"


def test_an_unknown_command_is_wrong_usage(had):
    ended = had("detekt")
    assert ended.status == 2
    assert "No such command 'detekt'" in ended.err


def test_plugins_as_json(had, site, monkeypatch):
    install(site, "had-x", {"x": "x_module"}, {"x_module": "1 / 0"})
    monkeypatch.setenv("HAD_DISABLE_PLUGINS", "slrx,nobody")
    document = json.loads(had("plugins", "--json").out)
    states = {plugin["name"]: plugin["state"] for plugin in document["plugins"]}
    assert (states["grx"], states["slrx"], states["x"]) == ("ok", "disabled", "broken")
    assert document["disabled_but_not_installed"] == ["nobody"]
    [grx] = [plugin for plugin in document["plugins"] if plugin["name"] == "grx"]
    assert (grx["distribution"], grx["version"], grx["hooks"]) == ("had", __version__, ["had_methods"])


def test_plugins_say_which_disabled_names_are_not_installed(had, site, monkeypatch):
    monkeypatch.setenv("HAD_DISABLE_PLUGINS", "nobody")
    assert "HAD_DISABLE_PLUGINS names nobody, but no plugin of that name is installed" in had("plugins").out


def test_devices_name_the_cpu_and_what_auto_takes(had):
    assert "cpu" in had("devices").out
    document = json.loads(had("devices", "--json").out)
    assert document["devices"][0]["name"] == "cpu"
    assert document["auto"] in {device["name"] for device in document["devices"]}


def test_on_a_narrow_terminal_nothing_is_cut():
    listed = python("-m", "had_cli", "--help", COLUMNS="40", NO_COLOR="1").stdout
    assert "..." not in listed.partition("Commands:")[2]
    told = " ".join(listed.split())
    for name, summary in COMMANDS.items():
        assert f"{name} {summary}" in told


def test_choices_are_not_split_in_the_middle_of_a_word():
    shown = python("-m", "had_cli", "detect", "-m", "grx", "--help", COLUMNS="80", NO_COLOR="1").stdout
    words = shown.replace("│", " ").split()
    for choice in ("none,", "fixed,", "ledoit-wolf,", "oas."):
        assert choice in words
