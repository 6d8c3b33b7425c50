"""How the QGIS plugin runs ``had``: environment, progress, failure and the cancel button; without QGIS."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
import time

import pytest
from qgis_paths import PLUGINS


@pytest.fixture(scope="module")
def program():
    """Return the module of the plugin that needs nothing of QGIS."""
    spec = importlib.util.spec_from_file_location("had_program", PLUGINS / "had_processing" / "program.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pretend(tmp_path):
    """Return ``make(text)``, which makes a program of Python statements."""

    def make(text):
        path = tmp_path / "pretended"
        path.write_text(f"#!{sys.executable}\nimport json, os, sys, time\n{text}\n")
        path.chmod(0o755)
        return str(path)

    return make


class Heard(list):
    def __call__(self, kind, text, fraction):
        self.append((kind, text, fraction))


def test_the_answer_comes_back_with_progress_and_warnings(program, pretend):
    path = pretend(
        "log = sys.argv[sys.argv.index('--log-json') + 1]\n"
        "with open(log, 'w') as file:\n"
        "    for part in (0.25, 1):\n"
        "        told = {'event': 'progress', 'label': 'scores', 'fraction': part, 'seconds_left': 3.2}\n"
        "        print(json.dumps(told), file=file, flush=True)\n"
        "print('warning: few pixels', file=sys.stderr)\n"
        "print('a note', file=sys.stderr)\n"
        "print(json.dumps({'words': sys.argv[1:3]}))\n"
    )
    heard = Heard()
    answer = program.run(path, ["detect", "scene"], heard, lambda: False, followed=True)
    assert answer == {"words": ["detect", "scene"]}
    assert [fraction for kind, _, fraction in heard if kind == "progress"] == [0.25, 1]
    assert ("progress", "scores, 3 s left", 0.25) in heard
    assert heard[-2:] == [("warning", "few pixels", None), ("note", "a note", None)]


def test_nothing_of_the_python_of_qgis_reaches_the_program(program, pretend, monkeypatch):
    for name in ("PYTHONHOME", "PYTHONPATH", "GDAL_DATA", "PROJ_LIB", "PROJ_DATA"):
        monkeypatch.setenv(name, "/usr/share/of/qgis")
    monkeypatch.setenv("HAD_CONFIG", "kept.toml")
    path = pretend("print(json.dumps(dict(os.environ)))")
    # the pretended program is Python itself, and would not start with PYTHONHOME
    known = program.run(path, [], Heard(), lambda: False)
    assert not {"PYTHONHOME", "PYTHONPATH", "GDAL_DATA", "PROJ_LIB", "PROJ_DATA"} & set(known)
    assert known["HAD_CONFIG"] == "kept.toml"


def test_a_failure_is_the_last_line_that_the_program_said(program, pretend):
    path = pretend("print('note', file=sys.stderr); print('had: no scene', file=sys.stderr); sys.exit(1)")
    with pytest.raises(program.ProgramError, match=r"^had: no scene$"):
        program.run(path, [], Heard(), lambda: False)


def test_the_cancel_button_ends_the_program_in_good_order(program, pretend, tmp_path):
    path = pretend(
        "import signal\n"
        f"def end(*_):\n    open({str(tmp_path / 'cleaned')!r}, 'w').close()\n    sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\n"
        "time.sleep(600)"
    )

    def cancelled():
        return (tmp_path / "pid").exists() and (tmp_path / "pid").read_text() != ""

    begun = time.monotonic()
    with pytest.raises(program.Cancelled):
        program.run(path, [], Heard(), cancelled)
    assert time.monotonic() - begun < 60
    assert (tmp_path / "cleaned").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_program_that_does_not_listen_is_killed(program, pretend, monkeypatch, tmp_path):
    monkeypatch.setattr(program, "PATIENCE", 0.5)
    pid = tmp_path / "pid"
    path = pretend(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open({str(pid)!r}, 'w').write(str(os.getpid()))\ntime.sleep(600)"
    )
    with pytest.raises(program.Cancelled):
        program.run(path, [], Heard(), lambda: pid.exists() and pid.read_text() != "")
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), signal.SIGCONT)


def test_a_missing_program_is_told_with_what_to_do(program, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("HAD_EXECUTABLE", raising=False)
    with pytest.raises(program.ProgramError, match="install it"):
        program.find("")
    with pytest.raises(program.ProgramError, match="no such program; correct the setting"):
        program.find(str(tmp_path / "had"))


def test_the_methods_to_choose_from_are_those_of_the_program(program, pretend):
    told = {"plugins": [{"methods": ["grx"]}, {"methods": []}, {"methods": ["ssf", "abc"]}]}
    path = pretend(f"print({json.dumps(told)!r})")
    assert program.methods(path) == ["abc", "grx", "ssf"]
    assert program.methods(pretend("sys.exit(1)")) == []
