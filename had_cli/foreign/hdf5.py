"""HDF5 files whose content lies in them: no links to other files, no storage elsewhere, no sizes that lie.

The HDF5 library follows such links by itself: into a pipe, where it waits for ever; into any file of the
user's; and, where a virtual dataset is made of itself, until its stack is full and the process dies.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import h5py

from had_cli.errors import SceneError

# What h5py raises on files that are damaged, and what an object of another kind than expected does.
DAMAGED = (OSError, LookupError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError)

_SMALL = 64 * 1024 * 1024
# Deflate makes at most 1032 bytes of one; what declares much more has never been written.
_RATIO = 1100


def open_guarded(path: str, **options: Any) -> h5py.File:
    """Return an HDF5 file, open for reading, of which every dataset may be read.

    Raises
    ------
    SceneError
        When part of it lies elsewhere, or declares sizes that it does not hold.
    OSError
        As h5py, when it is no HDF5 file or a damaged one.
    """
    file = h5py.File(path, "r", **options)
    try:
        for _ in datasets(file, path):
            pass
    except BaseException:
        file.close()
        raise
    return file


def datasets(top: h5py.Group, path: str) -> Iterator[h5py.Dataset]:
    """Yield the datasets of a file, each once, however its groups are linked; what is damaged is left out.

    Raises
    ------
    SceneError
        As :func:`open_guarded`.
    """
    seen: set[Any] = {top}
    waiting = [(top, iter(_names(top)))]
    while waiting:
        group, names = waiting[-1]
        name = next(names, None)
        if name is None:
            waiting.pop()
            continue
        item = _item(group, name, path)
        if item is None or item in seen:
            continue
        seen.add(item)
        if isinstance(item, h5py.Group):
            waiting.append((item, iter(_names(item))))
        elif isinstance(item, h5py.Dataset):
            _check(item, path)
            yield item


def _names(group: h5py.Group) -> list[str]:
    try:
        return list(group)
    except DAMAGED:
        return []


def _item(group: h5py.Group, name: str, path: str) -> Any:
    """Return what a link leads to; None where it is damaged or only another name within the file."""
    try:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise SceneError(
                f"{path}: {group.name.rstrip('/')}/{name} links to another file ({link.filename}), which "
                "is never followed; copy the file with what it links to (h5repack, h5copy)"
            )
        return group[name] if isinstance(link, h5py.HardLink) else None
    except DAMAGED as error:
        if isinstance(error, SceneError):
            raise
        return None


def _check(item: h5py.Dataset, path: str) -> None:
    try:
        elsewhere = "is a virtual dataset" * item.is_virtual or "has external storage" * bool(item.external)
        chunk = 1
        for length in item.chunks or ():
            chunk *= int(length)
        declared = max(int(item.size or 0), chunk) * item.dtype.itemsize
        stored = item.id.get_storage_size() if declared > _SMALL and not elsewhere else declared
    except DAMAGED:
        return  # nobody can read it
    if elsewhere:
        raise SceneError(
            f"{path}: {item.name} {elsewhere}: its values lie in other files, which are never followed; "
            "copy it into one file"
        )
    if declared > _RATIO * stored + _SMALL:
        raise SceneError(
            f"{path}: the values of {item.name} were never written: {declared / 1e9:.1f} GB are declared, "
            f"{stored} bytes stored; copy the file again"
        )
