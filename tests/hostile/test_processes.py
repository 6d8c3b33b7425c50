"""Whole processes: signals, closed streams, bare environments."""

import json
import os
import signal
import subprocess
import sys
import time

import generate
import numpy as np
import pytest
from command_line import files

HAD = [sys.executable, "-m", "had_cli"]
SCENE = generate.make_cube(rows=14, cols=15, bands=4)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and writes to /dev/full")


def ran(folder, *words, **options):
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run(
        [*HAD, *map(str, words)], cwd=folder, timeout=120, check=False, text=True, **options
    )


@pytest.fixture
def scene(tmp_path):
    return generate.write_envi(tmp_path / "line.hdr", SCENE)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """Return a scene that takes seconds to stream and to convert."""
    folder = tmp_path_factory.mktemp("long")
    return generate.write_envi(folder / "long.hdr", generate.make_cube(rows=900, cols=1000, bands=60))


def _hearing():
    """Undo the deafness to signals that nohup and background jobs hand down to the tests."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("number", "status", "line"),
    [
        (signal.SIGINT, 130, "had: interrupted\n"),
        (signal.SIGTERM, 143, "had: told to end\n"),
        (signal.SIGHUP, 129, "had: told to end\n"),
    ],
)
@pytest.mark.parametrize(
    "words",
    [["detect", "-m", "slrx", "--engine", "stream", "--memory", "8MB", "-o", "out.tif"], ["convert"]],
    ids=["detect", "convert"],
)
def test_signals_leave_nothing(long, tmp_path, number, status, line, words):
    words = [*words, long] if words[0] == "detect" else [*words, long, "out.tif"]
    process = subprocess.Popen(
        [*HAD, *map(str, words)],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=_hearing,  # noqa: PLW1509 - one thread here
    )
    try:
        begun = time.monotonic()
        # conversion has its temporary folder as soon as it works; detection reads the scene first
        while words[0] == "convert" and not files(tmp_path) and time.monotonic() < begun + 60:
            time.sleep(0.01)
        if words[0] == "detect":
            descriptors = f"/proc/{process.pid}/fd"
            while time.monotonic() < begun + 60 and not any(
                os.path.realpath(f"{descriptors}/{name}").endswith("long.img") for name in files(descriptors)
            ):
                time.sleep(0.01)
            time.sleep(0.2)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, err) == (status, line)
    assert files(tmp_path) == []


def test_a_reader_that_leaves_early(scene, tmp_path):
    with subprocess.Popen(
        [*HAD, "info", str(scene), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode in {0, 1}


def test_a_full_device_for_results(scene, tmp_path):
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        ended = ran(tmp_path, "detect", "-m", "grx", scene, "-o", "map.tif", stdout=full)
    assert ended.returncode == 1
    assert ended.stderr == "had: cannot write to standard output: No space left on device\n"


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(scene, tmp_path, closed):
    line = f'"{sys.executable}" -m had_cli detect -m grx line.hdr -o map.npy {closed}'
    assert subprocess.run(["sh", "-c", line], cwd=tmp_path, timeout=120, check=False).returncode == 0
    assert np.load(tmp_path / "map.npy").shape == (14, 15)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"LC_ALL": "C"},
        {"LC_ALL": "POSIX", "COLUMNS": "20"},
        {"PYTHONIOENCODING": "ascii:strict", "COLUMNS": "nonsense"},
        {"TERM": "dumb", "COLUMNS": "0"},
    ],
)
def test_bare_environments(scene, tmp_path, environment):
    """No HOME, no locale, no room."""
    ended = ran(tmp_path, "detect", "-m", "grx", "line.hdr", "-o", "ü.tif", "--json", env=environment)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["output"] == "ü.tif"
    again = ran(tmp_path, "detect", "-m", "grx", "line.hdr", "-o", "ü.tif", env=environment)
    assert again.returncode == 1
    assert again.stderr.count("\n") == 1
    assert ran(tmp_path, "detect", "-m", "slrx", "--help", env=environment).returncode == 0


def test_a_method_that_is_switched_off(scene, tmp_path):
    ended = ran(tmp_path, "detect", "-m", "grx", scene, env={**os.environ, "HAD_DISABLE_PLUGINS": "grx"})
    assert ended.returncode in {1, 2}
    assert ended.stderr.startswith("had: there is no method grx: HAD_DISABLE_PLUGINS disables plugin grx")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize("method", ["grx", "slrx"])
def test_a_failure_is_one_line_and_no_more(tmp_path, method):
    """Nothing that Python, GDAL or HDF5 print by themselves."""
    path = generate.write_geotiff(tmp_path / "scene.tif", generate.make_cube(40, 50, 6), tiled=True)
    path.write_bytes(path.read_bytes()[:3000])
    ended = ran(tmp_path, "detect", "-m", method, path, "-o", "map.tif")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith("had: ")
    assert ended.stderr.count("\n") == 1
    assert files(tmp_path) == ["scene.tif"]


class TestInterrupts:
    """Of commands that are interrupted where Python or compiled code may lose the exception."""

    # the end of a callback of the garbage collector, and a command that has it called
    DROPPED = (
        "    os.kill(os.getpid(), signal.SIGINT)",
        "    time.sleep(1)",
        "def command() -> None:",
        "    gc.callbacks.append(interrupted)",
        "    gc.collect()",
        "    time.sleep(60)",
        "    print('went on')",
    )

    def check(self, folder, *lines):
        text = [
            "import gc, os, signal, threading, time, typer",
            "from had_cli.commands.outcome import guarded",
            *lines,
        ]
        text += ["app = typer.Typer()", "app.command()(guarded(command))", "app([])"]
        (folder / "interrupted.py").write_text("\n".join(text))
        ended = subprocess.run(
            [sys.executable, "-m", "interrupted"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=50,
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "had: interrupted\n")

    def test_within_a_text_that_python_runs(self, tmp_path):
        """A dataclass is made of a text while its module loads; Python remembers an interrupt in there."""
        self.check(tmp_path, "def command() -> None:", "    exec('raise KeyboardInterrupt')")

    def test_while_a_module_is_loaded_it_waits_until_that_is_done(self, tmp_path):
        """Compiled code of torch's aborts where an exception comes up below it."""
        (tmp_path / "slow.py").write_text(
            "import os, pathlib, signal, time\n"
            "os.kill(os.getpid(), signal.SIGINT)\n"
            "time.sleep(0.3)\n"
            "pathlib.Path('loaded').touch()\n"
        )
        self.check(
            tmp_path, "def command() -> None:", "    import slow", "    time.sleep(40)", "    print('on')"
        )
        assert (tmp_path / "loaded").exists()

    def test_a_command_that_a_module_runs_as_it_is_loaded_is_ended_at_once(self, tmp_path):
        (tmp_path / "within.py").write_text(
            "import os, signal, time, typer\n"
            "from had_cli.commands.outcome import guarded\n"
            "def command() -> None:\n"
            "    os.kill(os.getpid(), signal.SIGINT)\n"
            "    time.sleep(40)\n"
            "app = typer.Typer()\n"
            "app.command()(guarded(command))\n"
            "app([])\n"
        )
        self.check(tmp_path, "import within", "def command() -> None:", "    print('on')")

    def test_swallowed_it_ends_the_command_later(self, tmp_path):
        """Compiled code that calls back into Python may take the exception for its own."""
        self.check(
            tmp_path,
            "def command() -> None:",
            "    try:",
            "        os.kill(os.getpid(), signal.SIGINT)",
            "        signal.pause()",
            "    except BaseException:",
            "        pass",
        )

    def test_turned_into_another_error(self, tmp_path):
        """Python before 3.12 makes a RuntimeError of it while a class names its fields, as modules load."""
        self.check(
            tmp_path,
            "class Field:",
            "    def __set_name__(self, owner, name):",
            "        os.kill(os.getpid(), signal.SIGINT)",
            "        time.sleep(1)",
            "def command() -> None:",
            "    class Owner:",
            "        field = Field()",
        )

    def test_dropped_by_a_callback_it_ends_the_command_at_once(self, tmp_path):
        """As one of dask.distributed for the garbage collector does: Python drops the exception there."""
        self.check(
            tmp_path,
            "def interrupted(phase, info):",
            "    gc.callbacks.remove(interrupted)",
            *self.DROPPED,
        )

    def test_another_one_while_the_first_is_sent_again_is_not_told_with_a_traceback(self, tmp_path):
        self.check(
            tmp_path,
            "start = threading.Thread.start",
            "def started(self):",
            "    os.kill(os.getpid(), signal.SIGINT)",
            "    start(self)",
            "def interrupted(phase, info):",
            "    gc.callbacks.remove(interrupted)",
            "    threading.Thread.start = started",
            *self.DROPPED,
        )


def test_an_interrupt_that_nobody_tells_of_ends_the_command_where_it_says_how_far_it_is(tmp_path):
    (tmp_path / "swallowing.py").write_text(
        "import os, signal, time, typer\n"
        "from had_cli.commands.messages import Messages\n"
        "from had_cli.commands.outcome import guarded\n"
        "def command() -> None:\n"
        "    with Messages(as_json=False, quiet=True, verbose=False).progress('work') as tell:\n"
        "        try:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "            signal.pause()\n"
        "        except BaseException:\n"
        "            pass\n"
        "        tell('statistics', 0.5)\n"
        "        print('went on')\n"
        "app = typer.Typer()\n"
        "app.command()(guarded(command))\n"
        "app([])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-m", "swallowing"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "had: interrupted\n")
