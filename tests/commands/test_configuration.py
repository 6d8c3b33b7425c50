"""Without -m a default method runs and says so; files and variables set defaults, the nearest wins."""

import json
import os
from pathlib import Path

import pytest

from had_cli.detection.default import DEFAULT_METHOD
from had_cli.plugin import host


@pytest.fixture
def configured(monkeypatch, tmp_path, had):
    """Return ``configured(project=..., user=...)``, which writes the two files as ``had`` finds them."""
    home = tmp_path / "home"
    monkeypatch.delenv("HAD_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home))
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: home / name)

    def write(project=None, user=None):
        if project is not None:
            Path("had.toml").write_text(project, encoding="utf-8")
        if user is not None:
            (home / "had").mkdir(parents=True, exist_ok=True)
            (home / "had" / "had.toml").write_text(user, encoding="utf-8")

    return write


def test_without_a_method_the_default_runs_and_is_named(had, scene):
    done = had("detect", scene, "--json")
    document = json.loads(done.out)
    assert (document["method"], document["method_from"]) == (DEFAULT_METHOD, "default")
    assert f"method: {DEFAULT_METHOD} (default; choose another with -m)" in done.err
    assert Path(document["output"]).name == f"line_{DEFAULT_METHOD}.tif"


def test_the_default_method_is_installed_and_needs_no_training():
    assert host.method(DEFAULT_METHOD).weights == "none"


def test_a_method_named_is_not_spoken_of(had, scene):
    done = had("detect", "-m", "grx", scene, "--json")
    assert json.loads(done.out)["method_from"] == "option"
    assert "method:" not in done.err


def test_a_variable_chooses_another_default(had, scene, monkeypatch):
    monkeypatch.setenv("HAD_METHOD", "slrx")
    done = had("detect", scene, "--block-size", 5, "--json")
    document = json.loads(done.out)
    assert (document["method"], document["method_from"]) == ("slrx", "HAD_METHOD")
    assert document["parameters"]["block_size"] == 5


def test_the_command_line_goes_over_the_variable_the_project_and_the_user(
    had, scene, configured, monkeypatch
):
    def ran():
        return json.loads(had("detect", scene, "--json", "--overwrite").out)

    configured(user='[detect]\nmethod = "grx"\nseed = 1\n')
    assert (ran()["method"], ran()["seed"]) == ("grx", 1)
    configured(project='[detect]\nmethod = "slrx"\n')
    assert (ran()["method"], ran()["seed"]) == ("slrx", 1)
    monkeypatch.setenv("HAD_METHOD", "grx")
    assert ran()["method_from"] == "HAD_METHOD"
    done = had("detect", "-m", "slrx", "--seed", 2, scene, "--json", "--overwrite")
    assert (json.loads(done.out)["method"], json.loads(done.out)["seed"]) == ("slrx", 2)


def test_config_show_says_where_each_value_is_from_after_three_levels(had, configured, monkeypatch):
    configured(user='[detect]\nmethod = "grx"\n', project='[detect]\nmethod = "slrx"\n')
    monkeypatch.setenv("HAD_METHOD", "ferd")
    shown = json.loads(had("config", "show", "--json").out)["settings"]
    assert [(s["value"], s["in_force"]) for s in shown] == [("grx", False), ("slrx", False), ("ferd", True)]
    assert shown[-1]["from"] == "HAD_METHOD"
    assert [line.split()[-1] for line in had("config", "show").out.splitlines()[1:3]] == [
        s["from"] for s in shown[:2]
    ]


def test_a_table_below_a_command_is_for_one_method(had, scene, configured):
    configured(project='[detect]\nmethod = "slrx"\n[detect.slrx]\nblock-size = 5\n')
    assert json.loads(had("detect", scene, "--json").out)["parameters"]["block_size"] == 5
    assert had("detect", "-m", "grx", scene).status == 0


def test_the_file_of_a_folder_above_counts_too(had, scene, configured, monkeypatch):
    configured(project='[detect]\nmethod = "grx"\n')
    Path("below").mkdir()
    monkeypatch.chdir("below")
    assert json.loads(had("detect", scene, "--json").out)["method"] == "grx"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[detect]\nmethud = 'grx'\n", "detect.methud is no option of had detect"),
        ("[detekt]\nmethod = 'grx'\n", "[detekt] is no command of had"),
        ("[detect]\nmethod = 'no-such'\n", "there is no method 'no-such'"),
        ("[detect]\noverwrite = true\n", "detect.overwrite cannot have a default"),
        ("method = 'grx'\n", "method stands where a command's table is expected"),
        ("[detect\n", "is no TOML"),
        ("\udcff".encode("utf-8", "surrogateescape").decode("latin-1"), "is no TOML"),
        ("[detect]\nx = " + "[" * 5000 + "\n", "is no TOML"),
    ],
)
def test_a_file_that_is_wrong_is_named_in_one_line(had, scene, configured, text, line):
    configured(project=text)
    done = had("detect", scene)
    assert done.status == 2
    assert line in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert "Traceback" not in done.err
    assert not list(Path().glob("*.tif"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_no_configuration_and_holds_nobody(had, scene, configured):
    os.mkfifo("had.toml")
    assert "is no configuration file" in had("detect", scene).err


def test_training_without_a_method_lists_those_that_can_be_trained(had, scene):
    done = had("train", scene, "-o", "w.safetensors")
    assert done.status == 2
    assert "name the method with -m METHOD; these can be trained: ferd, fers, nl2net, tdd" in done.err
