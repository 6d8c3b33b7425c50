"""Locks that the system frees when a process ends, however it ends."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from had_cli.errors import OutputError

_PATIENCE = 30.0  # seconds; what is done under the lock of a folder takes milliseconds


def take(descriptor: int) -> bool:
    """Lock an open file for this process alone; return False where another one has it.

    A lock and not the number of a process: numbers mean nothing in another container or on another
    machine that shares the folder, and they are used again.

    Raises
    ------
    OSError
        When the file system has no locks.
    """
    if os.name == "nt":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError:
            return False
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Return a context in which no other process of had moves sets of files into ``folder``.

    Two runs that replace the same header and data at once would otherwise leave one of each. Where
    the file system cannot lock a folder, the context holds nothing.

    Raises
    ------
    OutputError
        When another process keeps the folder to itself.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows opens no folders
        yield
        return
    try:
        if not _taken_in_time(descriptor):
            raise OutputError(f"{folder}: another process keeps this folder locked; try again")
        yield
    finally:
        os.close(descriptor)


def _taken_in_time(descriptor: int) -> bool:
    end = time.monotonic() + _PATIENCE
    try:
        while not take(descriptor):
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
    except OSError:  # a file system without such locks
        pass
    return True
