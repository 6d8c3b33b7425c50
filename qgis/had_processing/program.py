"""Running the program ``had`` beside QGIS: in its own environment, followed by its log.

Nothing of QGIS is needed here. The program has a Python and libraries of its own, which those of QGIS must
not reach: variables that point Python, GDAL or PROJ at the files of QGIS are not handed on.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SETTING = "HAD_EXECUTABLE"
VARIABLE = "HAD_EXECUTABLE"
_NOT_HANDED_ON = (
    "PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "PYTHONNOUSERSITE", "PYTHONUSERBASE", "GDAL_DATA",
    "GDAL_DRIVER_PATH", "PROJ_LIB", "PROJ_DATA", "QT_PLUGIN_PATH",
)  # fmt: skip
PATIENCE = 10  # seconds until a program that was told to end is killed


class ProgramError(Exception):
    """The program is not there, or says that something failed: one line."""


class Cancelled(Exception):
    """The user ended the work."""


def find(setting=""):
    """Return the path of the program: a variable's, the setting's, or the first on the path.

    Raises
    ------
    ProgramError
        When there is none.
    """
    for given in (os.environ.get(VARIABLE, ""), setting):
        if given:
            found = shutil.which(given)
            if found is None:
                raise ProgramError(
                    f"{given}: there is no such program; correct the setting of the provider had"
                )
            return found
    found = shutil.which("had") or shutil.which("had", path=str(Path.home() / ".local" / "bin"))
    if found is None:
        raise ProgramError(
            "the program had is not on the path; install it (pip install had) and name it in "
            "Settings > Options > Processing > Providers > had"
        )
    return found


def environment():
    """Return the variables that the program gets."""
    return {name: value for name, value in os.environ.items() if name not in _NOT_HANDED_ON}


def methods(program):
    """Return the names of the methods that the program offers; none where it does not tell."""
    try:
        told = subprocess.run(
            [program, "plugins", "--json"],
            env=environment(), capture_output=True, timeout=60, check=True, stdin=subprocess.DEVNULL,
            **_without_window(),
        )  # fmt: skip
        offered = json.loads(told.stdout)["plugins"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return []
    return sorted({method for plugin in offered for method in plugin["methods"]})


def run(program, words, say, is_cancelled, *, followed=False):
    """Return the JSON document of ``program words --json``.

    Parameters
    ----------
    say
        Called as ``say(kind, text, fraction)``: ``progress``, ``note`` or ``warning``.
    is_cancelled
        Tells whether the user wants it ended.
    followed
        The command has ``--log-json``, and its progress is told.

    Raises
    ------
    ProgramError
        When the program fails, with the line that it says.
    Cancelled
        When the user ended it; nothing half-written is left.
    """
    with tempfile.TemporaryDirectory(prefix="had-qgis-") as folder:
        log, errors, answer = (Path(folder, name) for name in ("log.jsonl", "errors.txt", "answer.json"))
        command = [program, *words, "--json", *(["--log-json", str(log)] if followed else [])]
        try:
            with errors.open("wb") as on_error, answer.open("wb") as on_output:
                process = subprocess.Popen(
                    command, env=environment(), stdin=subprocess.DEVNULL, stdout=on_output, stderr=on_error,
                    **_without_window(),
                )  # fmt: skip
        except OSError as error:
            raise ProgramError(f"{program}: cannot be started ({error.strerror})") from error
        follow = _Log(log)
        try:
            while process.poll() is None:
                if is_cancelled():
                    raise Cancelled
                follow.tell(say)
                time.sleep(0.1)
            follow.tell(say)
        finally:
            _end(process)
        lines = errors.read_text(encoding="utf-8", errors="replace").splitlines()
        if process.returncode:
            told = [line for line in lines if line.strip()]
            raise ProgramError(told[-1] if told else f"{program} ended with status {process.returncode}")
        for line in lines:
            if line.startswith("warning: "):
                say("warning", line[len("warning: ") :], None)
            elif line.strip():
                say("note", line, None)
        return json.loads(answer.read_text(encoding="utf-8"))


class _Log:
    """The lines of a log that have come since it was last looked at."""

    def __init__(self, path):
        self._path, self._read = path, 0

    def tell(self, say):
        """Hand on the progress."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]  # the last line may still be written
        self._read += len(whole)
        for line in whole.splitlines():
            event = json.loads(line)
            if event["event"] == "progress":
                left = event.get("seconds_left")
                time_left = "" if left is None else f", {left:.0f} s left"
                say("progress", f"{event['label']}{time_left}", event["fraction"])


def _end(process):
    """Tell the program to end, so that it cleans up; kill one that does not."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _without_window():
    """Return what keeps Windows from opening a console."""
    return {"creationflags": subprocess.CREATE_NO_WINDOW} if sys.platform == "win32" else {}
