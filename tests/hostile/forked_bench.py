"""``had bench`` for :mod:`kills`: its cells are forks of it, not interpreters that load every module."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import traceback
from types import SimpleNamespace
from typing import IO


class Cell:
    """A fork that behaves as the process of a cell."""

    def __init__(
        self, _words: list[str], *, stdin: int, stdout: int, stderr: IO[bytes], cwd: str | None
    ) -> None:
        assert stdin == stdout == subprocess.PIPE
        (hears, tells), (answer, says) = os.pipe(), os.pipe()
        self.pid, self.returncode = os.fork(), None
        if not self.pid:
            for number, source in enumerate((hears, says, stderr.fileno())):
                os.dup2(source, number)
            os.closerange(3, 1024)  # as a fresh process has none of them: its parent's locks above all
            _be_cell(cwd)
        os.close(hears)
        os.close(says)
        self.stdin, self.stdout = os.fdopen(tells, "wb"), os.fdopen(answer, "rb")

    def wait(self) -> int:
        """Return how it ended, as a number of :mod:`subprocess`."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self.returncode

    def kill(self) -> None:
        """End it, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, signal.SIGKILL)


def _be_cell(folder: str | None) -> None:
    from had_cli.bench.child import main

    status = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        sys.stdin = os.fdopen(0)
        if folder is not None:
            os.chdir(folder)
        main()
        status = 0
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    from had_cli.__main__ import console
    from had_cli.bench import process

    process.subprocess = SimpleNamespace(Popen=Cell, PIPE=subprocess.PIPE)
    console()
