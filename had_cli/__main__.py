"""The console script ``had``."""

from __future__ import annotations

import gc
import os
import signal
import sys
from types import FrameType

_LINES = {"SIGINT": b"had: interrupted\n", "SIGTERM": b"had: told to end\n", "SIGHUP": b"had: told to end\n"}


def console() -> None:
    """Be the process ``had``: from the first moment on, a signal ends it with one line and no traceback."""
    _end_at_once()
    try:
        main()
    finally:
        _end_at_once()  # while the interpreter takes itself apart, too


def main() -> None:
    """Run the command line in this process."""
    gc.disable()  # until the command begins: nothing that is made on the way there is garbage
    try:
        from had_cli.commands import application
        from had_cli.commands.arguments import refuse_empty
        from had_cli.commands.outcome import report, status
        from had_cli.errors import HadError

        words = sys.argv[1:]
        try:
            refuse_empty(words)
            app = application(words)
        except HadError as error:  # a method that does not exist has no options to parse by
            report(error, debug="--debug" in words)
            sys.exit(status(error))
        app(prog_name="had")
    finally:
        gc.enable()


def _end_at_once() -> None:
    """End the process when a signal comes: while modules are loaded there is nothing to clean up.

    An exception instead could come up in the middle of an import, where it is taken for a broken
    package. The command itself has handlers of its own (:mod:`had_cli.commands.signals`). What the parent has
    set aside (``nohup``) stays so.
    """
    for name in _LINES:
        number = getattr(signal, name, None)  # Windows has no SIGHUP
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    for name in _LINES:  # a second one would say it again
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    try:
        os.write(2, _LINES[signal.Signals(number).name])
    finally:
        os._exit(128 + number)


if __name__ == "__main__":
    console()
