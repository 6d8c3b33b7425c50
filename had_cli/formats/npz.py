"""NumPy archives: the rules of MATLAB files for choosing among their arrays."""

from __future__ import annotations

import functools
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.arrays import scene_of
from had_cli.formats.npy import read_header
from had_cli.formats.variable import Variable
from had_cli.scenes.source import Source

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    ValueError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
)


def open_npz(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a .npz file; the cube is read into memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            variables, text = [], None
            for member in archive.namelist():
                if not member.endswith(".npy"):
                    continue
                with archive.open(member) as stream:
                    shape, _, dtype = read_header(stream, f"{path}: {member}")
                name = member.removesuffix(".npy")
                if name == "metadata" and dtype.kind == "U" and shape == ():
                    text = str(_load(path, name))
                else:
                    load = functools.partial(_load, path, name)
                    variables.append(Variable(name, shape, dtype.kind in "biufc", load))
    except _DAMAGED as error:
        if isinstance(error, SceneError):
            raise
        raise _damaged(path, error) from error
    return scene_of(path, "NumPy archive", variables, options, text, order="C")


def _load(path: str, name: str) -> npt.NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return np.asarray(archive[name])
    except _DAMAGED as error:
        raise _damaged(path, error) from error


def _damaged(path: str, error: BaseException) -> SceneError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return SceneError(f"{path}: cannot be read as a NumPy archive ({reason}); it is damaged, copy it again")
