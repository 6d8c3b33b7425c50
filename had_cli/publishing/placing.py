"""Moving finished files to their place: all of a set or none, and never over a file by accident.

A single file takes its place by one system call. A set (ENVI's header and data, an array and its
sidecar) needs several, so the file that the user named goes first and comes last: between the two no
reader takes old and new files for a set. Old files are moved aside and not deleted, and a journal says
what is to come. After an error everything goes back; after ``kill -9`` the next run in the folder, or
the next one that looks for the file, carries the journal out. A folder that is an output, such as a Zarr
store, takes its place in the same way, because no system call replaces a folder by another.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from had_cli.publishing.locks import alone_in

NEW, OLD, JOURNAL = "new", "old", "journal"

# what file systems without hard links answer, such as those of memory cards
_NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}

Identity = list[int]


@dataclass(frozen=True, kw_only=True)
class Journal:
    """What is to be done with a set of files.

    Attributes
    ----------
    names : the files to be placed, that which the user named last
    gone : files beside them that belonged to the old set
    before : what was there, by name
    after : what shall be there, by name
    overwrite : whether files that exist are replaced
    """

    names: Sequence[str]
    gone: Sequence[str]
    before: dict[str, Identity | None]
    after: dict[str, Identity | None]
    overwrite: bool


def place(scratch: Path, target: Path, *, companions: Sequence[str] = (), overwrite: bool) -> None:
    """Move the files in ``scratch/new`` beside ``target``, which is one of them.

    Parameters
    ----------
    scratch
        A folder in that of ``target``.
    companions
        Names of files that belong to an old ``target`` and go with it, unless they are written anew.

    Raises
    ------
    FileExistsError
        When one is there and ``overwrite`` is false; nothing has changed then.
    OSError
        When the system refuses; what was there is there.
    """
    folder = target.parent
    names = sorted((file.name for file in (scratch / NEW).iterdir()), key=lambda name: name == target.name)
    for name in names:
        _to_disk(scratch / NEW / name)
    gone = [name for name in companions if name not in names and os.path.lexists(folder / name)]
    if len(names) == 1 and not gone and not (scratch / NEW / names[0]).is_dir():
        move = os.replace if overwrite else _move_to_free
        move(scratch / NEW / names[0], target)
    else:
        with alone_in(folder):
            before = {name: identity(folder / name) for name in [*names, *gone]}
            taken = next((name for name, there in before.items() if there is not None), None)
            if taken is not None and not overwrite:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder / taken))
            after = {name: identity(scratch / NEW / name) for name in names}
            journal = Journal(names=names, gone=gone, before=before, after=after, overwrite=overwrite)
            try:
                _note(scratch, journal)
                _carry_out(scratch, journal)
            except BaseException:
                _undo(scratch, journal)
                raise
            _folder_to_disk(folder)
            (scratch / JOURNAL).unlink()
    _folder_to_disk(folder)


def finish(scratch: Path) -> None:
    """Carry out the journal that a killed process left in ``scratch``, if there is one.

    Where a file is neither the old one nor the new one, somebody has put things in order since; nothing
    is done then.

    Raises
    ------
    OSError
        When the system refuses; the journal is kept.
    """
    journal = _read(scratch)
    if journal is None:
        return
    folder = scratch.parent
    with alone_in(folder):
        for name in [*journal.names, *journal.gone]:
            if identity(folder / name) not in (None, journal.before[name], journal.after.get(name)):
                return
        _carry_out(scratch, journal)
    _folder_to_disk(folder)


def identity(path: Path) -> Identity | None:
    """Return what tells one content of a file from another (size, time of change); None: there is none."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return [found.st_size, found.st_mtime_ns]


def _carry_out(scratch: Path, journal: Journal) -> None:
    """Do what is left of the journal."""
    folder = scratch.parent
    (scratch / OLD).mkdir(exist_ok=True)
    for name in [*reversed(journal.names), *journal.gone]:
        there = identity(folder / name)
        if there is not None and there == journal.before[name] and not _is_placed(scratch, name, journal):
            (folder / name).rename(scratch / OLD / name)
    for name in journal.names:
        if os.path.lexists(scratch / NEW / name):
            (os.replace if journal.overwrite else _move_to_free)(scratch / NEW / name, folder / name)


def _is_placed(scratch: Path, name: str, journal: Journal) -> bool:
    return name in journal.names and not os.path.lexists(scratch / NEW / name)


def _undo(scratch: Path, journal: Journal) -> None:
    """Put everything back where it was, and forget the journal."""
    folder = scratch.parent
    for name in journal.names:
        if not os.path.lexists(scratch / NEW / name) and identity(folder / name) == journal.after[name]:
            (folder / name).rename(scratch / NEW / name)
    for name in [*journal.gone, *journal.names]:
        if os.path.lexists(scratch / OLD / name):
            (scratch / OLD / name).rename(folder / name)
    (scratch / JOURNAL).unlink(missing_ok=True)


def _move_to_free(file: Path, place: Path) -> None:
    """Give a file its name unless there is a file of that name, in one step where the system has one."""
    if os.name == "nt":
        file.rename(place)  # which refuses there
        return
    try:
        os.link(file, place)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(place):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(place)) from None
        file.rename(place)
    else:
        file.unlink()


def _note(scratch: Path, journal: Journal) -> None:
    draft = scratch / f"{JOURNAL}.draft"
    draft.write_text(json.dumps(asdict(journal)), encoding="ascii")  # JSON escapes odd names
    _to_disk(draft)
    draft.rename(scratch / JOURNAL)
    _folder_to_disk(scratch)
    _folder_to_disk(scratch / NEW)


def _read(scratch: Path) -> Journal | None:
    """Return the journal in a folder, or None where there is none that had wrote."""
    try:
        document: Any = json.loads((scratch / JOURNAL).read_bytes())
        journal = Journal(**document)
        names = [*journal.names, *journal.gone]
        plain = all(isinstance(name, str) and name == os.path.basename(name) for name in names)  # noqa: PTH119
        known = {*names} <= {*journal.before} and {*journal.names} <= {*journal.after}
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    return journal if plain and known and {".", "..", ""}.isdisjoint(names) else None


def _to_disk(path: Path) -> None:
    """Wait until the content of a file or folder is on the disk: a name that is there before it would lie."""
    if path.is_dir():
        for inner in path.iterdir():
            _to_disk(inner)
        _folder_to_disk(path)
        return
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _folder_to_disk(folder: Path) -> None:
    # some file systems cannot: the files are there, and would be there a little later after a power cut
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
