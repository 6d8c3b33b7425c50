"""Temporary folders beside outputs, and the removal of those whose process is gone."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from had_cli.publishing.locks import take
from had_cli.publishing.placing import JOURNAL, NEW, finish

LOCK = "lock"
_NAME = re.compile(r"\.had-[a-z0-9_]{8}-", re.DOTALL)
_ATTEMPTS = 100


@contextlib.contextmanager
def scratch_beside(target: Path) -> Iterator[Path]:
    """Yield a temporary folder in that of ``target``, with a folder ``new`` in it; it is removed in the end.

    It is locked for as long as the process lives. Folders that killed processes left are swept first.

    Raises
    ------
    OSError
        When it cannot be made.
    """
    sweep(target.parent)
    made: tuple[Path, int] | None = None
    try:
        made = _made(target)
        folder = made[0]
        (folder / NEW).mkdir()  # with the permissions that the user's umask asks for, as the files in it
        yield folder
    finally:
        if made is None:  # a signal may have come in between
            sweep(target.parent)
        else:
            _give_up(*made)


def sweep(folder: Path) -> None:
    """Put in order what killed processes left in ``folder``: sets half in place, and temporary folders.

    Those of a process that lives, of other users, and whatever else lies there stay untouched.
    """
    try:
        with os.scandir(folder) as entries:
            left = [Path(entry.path) for entry in entries if _NAME.match(entry.name)]
    except OSError:  # whoever writes there will be told
        return
    for scratch in left:
        with contextlib.suppress(OSError):
            _sweep(scratch)


def _sweep(scratch: Path) -> None:
    found = scratch.lstat()
    mine = not hasattr(os, "geteuid") or found.st_uid == os.geteuid()
    if not stat.S_ISDIR(found.st_mode) or not mine:  # anybody may leave a journal in a shared folder
        return
    try:
        lock = os.open(scratch / LOCK, os.O_RDWR)
    except FileNotFoundError:
        # Killed before it was locked, so empty; or a thread of a library, such as Zarr's, went on writing
        # while it was removed, and made these folders once more. One that holds anything else stays.
        if [entry.name for entry in scratch.iterdir()] == [NEW]:
            shutil.rmtree(scratch / NEW, ignore_errors=True)
        scratch.rmdir()
        return
    try:
        if take(lock):
            finish(scratch)
            _remove(scratch)
    finally:
        os.close(lock)


def _give_up(folder: Path, lock: int) -> None:
    if os.name == "nt":  # where no open file can be removed
        os.close(lock)
    # a set that could be moved neither forward nor back is kept: the next run may have more luck
    if not os.path.lexists(folder / JOURNAL):
        with contextlib.suppress(OSError):
            _remove(folder)
    if os.name != "nt":
        os.close(lock)


def _made(target: Path) -> tuple[Path, int]:
    """Return a new folder and the descriptor of its lock."""
    for _ in range(_ATTEMPTS):
        # a part of the name tells whose it is, and leaves room where the name is as long as can be
        folder = Path(tempfile.mkdtemp(prefix=".had-", suffix=f"-{target.name[:32]}", dir=target.parent))
        try:
            lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:  # another run swept it, empty as it was
            continue
        except OSError:
            folder.rmdir()
            raise
        try:
            if _is_ours(folder, lock):
                return folder, lock
        except BaseException:
            os.close(lock)
            raise
        os.close(lock)
    raise OSError(f"no temporary folder in {target.parent} stayed there")


def _is_ours(folder: Path, lock: int) -> bool:
    """Lock a new folder, and tell whether no sweep was faster."""
    try:
        return take(lock) and os.path.lexists(folder / LOCK)
    except OSError:  # a file system without locks: nobody will take it for left behind
        return True


def _remove(folder: Path) -> None:
    """Remove a folder, the lock last: a sweep must not take it for one that was never begun."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name != LOCK:
            entry.unlink(missing_ok=True)
    (folder / LOCK).unlink(missing_ok=True)
    folder.rmdir()
