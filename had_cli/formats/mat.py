"""MATLAB files: which of the two formats a .mat is, and the scene in it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from had_cli.errors import SceneError
from had_cli.scenes.source import Source

# Version 7.3 is HDF5 behind a user block of 512 bytes; bare HDF5 (written by h5py) is as common.
_HDF5 = b"\x89HDF\r\n\x1a\n"


def open_mat(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a .mat file; options as in :mod:`had_cli.formats`.

    Raises
    ------
    SceneError
        When the file is damaged or holds no scene.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(512 + len(_HDF5))
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror})") from error
    if not head:
        raise SceneError(f"{path}: the file is empty; copy it again")
    if head.startswith(_HDF5) or head[512:] == _HDF5:
        from had_cli.formats.mat73 import open_mat73

        return open_mat73(path, options)
    from had_cli.formats.mat5 import open_mat5

    return open_mat5(path, options)
