"""``--log-json``: what a command does, as lines of JSON that another program follows while it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from had_cli._version import __version__
from had_cli.errors import OutputError, OutputExistsError, message
from had_cli.files import read_regular, refuse_existing

BEGINNING = b'{"time"'  # of a log of ours
PAUSE = 0.5  # seconds between two lines on the progress of one pass


class EventLog:
    """Writes an event a line, ``{"time": ..., "event": ..., ...}``, each whole and at once."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file, self._path = file, path
        self._begun = time.monotonic()
        self._last: tuple[str, float] = ("", 0.0)

    def write(self, event: str, **values: Any) -> None:
        """Add a line.

        Raises
        ------
        OutputError
            When the file takes no more.
        """
        line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event, **values}
        try:
            self._file.write(json.dumps(line, allow_nan=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written ({error.strerror})") from error

    def progress(
        self,
        title: str,
        label: str,
        fraction: float,
        total: float | None = None,
        unit: str | None = None,
        **values: Any,
    ) -> None:
        """Add a line on the progress of the stage ``label``: its first and last, and one from time to time.

        Parameters
        ----------
        total
            What the whole stage goes through, in ``unit``; None where that is not known.
        """
        now = time.monotonic()
        if label == self._last[0] and fraction < 1 and now - self._last[1] < PAUSE:
            return
        self._last = label, now
        done = {}
        if total is not None:
            done = {"done": round(fraction * total, 3), "total": total, "unit": unit}
        self.write("progress", title=title, label=label, fraction=round(float(fraction), 6), **done, **values)

    def end(self, status: str, **values: Any) -> None:
        """Add the last line."""
        self.write("end", status=status, seconds=round(time.monotonic() - self._begun, 3), **values)


@contextmanager
def event_log(
    path: Path | None, command: str, *, overwrite: bool = False, resume: bool = False, **values: Any
) -> Iterator[EventLog | None]:
    """Yield the log of a command, None where none is wanted; how it ended is its last line.

    Parameters
    ----------
    overwrite
        It may replace a file.
    resume
        It may go on in a log that is there already.

    Raises
    ------
    OutputError
        When it cannot be written.
    OutputExistsError
        When it exists and neither allows that.
    """
    if path is None:
        yield None
        return
    mode = "a" if resume and _is_log(path) else "w" if overwrite else "x"
    if mode == "x" and path.is_file():
        raise OutputExistsError(f"{path}: exists already; name another file with --log-json")
    refuse_existing(path, overwrite=mode != "x")
    try:
        file = path.open(mode, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
    with file:
        log = EventLog(file, path)
        log.write("start", command=command, version=__version__, **values)
        try:
            yield log
        except Exception as error:
            if type(error).__name__ == "Exit":  # typer's own way to end, after every failure has been told
                log.end("failed")
            else:
                log.end("failed", error=message(error))
            raise
        except BaseException:  # told to end
            log.end("interrupted")
            raise
        log.end("done")


def _is_log(path: Path) -> bool:
    try:
        return path.is_file() and read_regular(path).startswith(BEGINNING)
    except OSError:
        return False
