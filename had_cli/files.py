"""Files written whole or not at all, and never over something else by accident; files read by us."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from had_cli.errors import OutputError, OutputExistsError
from had_cli.publishing.placing import JOURNAL, NEW, place
from had_cli.publishing.scratch import scratch_beside, sweep

# pathlib makes one slash of two; and GDAL's virtual file systems, of which some can be written to
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/|/vsi")
SHAPEFILE = (".shx", ".dbf", ".prj", ".cpg", ".qix", ".sbn", ".sbx")
"""What belongs to a Shapefile beside its ``.shp``."""
# what lies in a folder that is a file to its users: a Zarr store
_STORE = ("zarr.json", ".zgroup", ".zarray", ".zmetadata")
_SHOWN = 200  # characters of a path in a message
# what is written within placed_together(), with what removes its temporary folder
_waiting: ContextVar[list[tuple[_Ready, contextlib.ExitStack]] | None] = ContextVar("waiting", default=None)


def is_store(path: Path) -> bool:
    """Tell whether a folder is a Zarr store."""
    return path.is_dir() and any((path / name).is_file() for name in _STORE)


def refuse_existing(path: Path, *, overwrite: bool, store: bool = False) -> None:
    """Check before any work that ``path`` may be written.

    Parameters
    ----------
    store
        The output is a folder: it may replace one of its kind, and no other folder.

    Raises
    ------
    OutputExistsError
        When it exists and ``overwrite`` is false.
    OutputError
        When it is a folder, a device, a pipe or a URL, or its own folder is missing.
    """
    refuse_url(path)
    sweep(path.parent)  # a run that was killed may have the file ready
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        found = None
    except (OSError, ValueError) as error:  # too long, or with a null byte
        if not os.path.lexists(path):
            raise cannot_write(path, error) from error
        found = None  # a link that leads nowhere
    if found is not None and stat.S_ISDIR(found.st_mode) and not (store and is_store(path)):
        what = "is a folder, but no store that could be replaced; give another name"
        raise OutputError(f"{path}: {what if store else 'is a folder; name a file'}")
    if os.path.lexists(path) and not overwrite:
        raise OutputExistsError(f"{path}: exists already; give --overwrite or another name")
    if found is not None and not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
        raise OutputError(f"{path}: is a device or a pipe, which no file replaces; give another name")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; create it first")


def refuse_url(path: Path) -> None:
    """Check that an output is a file on this machine: ``http:`` would become a folder here.

    Raises
    ------
    OutputError
        When it is a URL.
    """
    if _URL.match(str(path)):
        raise OutputError(f"{path}: is a URL; outputs are files on this machine, so name one")


def printable(path: str | Path) -> str:
    """Return a path as text that can be encoded: what is not valid UTF-8 in it becomes a sign."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


@contextlib.contextmanager
def written_whole(
    path: Path, *, companions: Sequence[str] = (), overwrite: bool = False, store: bool = False
) -> Iterator[Path]:
    """Yield the path to write a file to, beside which others of its set may be written.

    They lie in a temporary folder in that of ``path`` and take their places together when the context
    is left, on the disk by then. After an exception nothing has changed.

    Parameters
    ----------
    companions
        Names of files that go when ``path`` is replaced, such as statistics of the old one.
    store
        What is written is a folder, as in :func:`refuse_existing`.

    Raises
    ------
    OutputExistsError
        When a file is there already, or is made meanwhile, and ``overwrite`` is false.
    OutputError
        As :func:`refuse_existing`, and when the system refuses.
    """
    refuse_existing(path, overwrite=overwrite, store=store)
    with contextlib.ExitStack() as stack:
        try:
            scratch = stack.enter_context(scratch_beside(path))
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(f"{path}: the folder {path.parent} cannot be written to ({reason})") from error
        yield scratch / NEW / path.name
        waiting, ready = _waiting.get(), _Ready(path, scratch, tuple(companions), overwrite)
        if waiting is None:
            ready.place()
        else:
            waiting.append((ready, stack.pop_all()))


@contextlib.contextmanager
def placed_together() -> Iterator[None]:
    """Let files that are written whole within take their places when the context is left.

    Those of one folder do so as a set: a run that is killed leaves all of them or none, as soon as the next
    one looks. After an exception within nothing has changed. Folders follow one another.

    Raises
    ------
    OutputExistsError, OutputError
        As :func:`written_whole`.
    """
    waiting: list[tuple[_Ready, contextlib.ExitStack]] = []
    token = _waiting.set(waiting)
    with contextlib.ExitStack() as stack:
        try:
            yield
        finally:
            _waiting.reset(token)
            for _, scratch in waiting:
                stack.push(scratch)
        sets: list[_Ready] = []
        for ready, _ in waiting:
            if not any(first.takes(ready) for first in sets):
                sets.append(ready)
        for ready in sets:
            ready.place()


@dataclass
class _Ready:
    """A file, with what belongs to it, that is complete in its temporary folder."""

    path: Path
    scratch: Path
    companions: tuple[str, ...]
    overwrite: bool

    def takes(self, other: _Ready) -> bool:
        """Take another one's files into this set, unless place, name or the way they go forbid it."""
        if (self.path.parent, self.overwrite) != (other.path.parent, other.overwrite):
            return False
        files = list((other.scratch / NEW).iterdir())
        names = {file.name for file in (self.scratch / NEW).iterdir()}
        if names.intersection(file.name for file in files):
            return False
        for file in files:
            file.rename(self.scratch / NEW / file.name)
        self.companions += other.companions
        return True

    def place(self) -> None:
        """Give the files their names; what the system says becomes one line."""
        try:
            place(self.scratch, self.path, companions=self.companions, overwrite=self.overwrite)
        except FileExistsError as error:
            taken = error.filename2 or error.filename or self.path
            raise OutputExistsError(f"{taken}: exists already; give --overwrite or another name") from None
        except OSError as error:
            kept = ""
            if os.path.lexists(self.scratch / JOURNAL):
                kept = f"; what was there lies in {self.scratch}"
            raise OutputError(f"{cannot_write(self.path, error)}{kept}") from error


def write_whole(path: Path, content: bytes, *, overwrite: bool = False) -> None:
    """Write ``content`` to ``path``: all of it or nothing.

    Raises
    ------
    OutputExistsError, OutputError
        As :func:`written_whole`.
    """
    with written_whole(path, overwrite=overwrite) as scratch:
        try:
            scratch.write_bytes(content)
        except OSError as error:
            raise cannot_write(path, error) from error


def open_regular(path: str | Path) -> BinaryIO:
    """Open a regular file for reading; a pipe or a device is refused and never waited for.

    Raises
    ------
    OSError
        As ``open``, and with ``EINVAL`` and words of ours when it is no regular file.
    """
    # without O_NONBLOCK the opening itself would wait for somebody to write into a pipe
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    file = os.fdopen(os.open(path, flags), "rb")
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "is no regular file", str(path))
    if hasattr(os, "set_blocking"):
        os.set_blocking(file.fileno(), True)
    return file


def read_regular(path: str | Path) -> bytes:
    """Return the content of a regular file.

    Raises
    ------
    OSError
        As :func:`open_regular`.
    """
    with open_regular(path) as file:
        return file.read()


def cannot_write(path: Path, error: Exception) -> OutputError:
    """Return the error that says that the system does not let ``path`` be written."""
    text = str(path)
    shown = text if len(text) <= _SHOWN else f"{text[:60]}... ({len(text)} characters)"
    return OutputError(f"{shown}: cannot be written ({getattr(error, 'strerror', None) or error})")
