"""MATLAB files up to version 7: read by scipy, only the variables that are wanted."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from functools import cache, partial
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.io import loadmat, whosmat
from scipy.io.matlab import MatReadError

from had_cli.errors import SceneError
from had_cli.files import open_regular
from had_cli.foreign.mat5 import check_structure
from had_cli.formats.arrays import scene_of
from had_cli.formats.variable import Variable
from had_cli.scenes.source import Source

_NUMERIC = {
    "double",
    "single",
    "logical",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
}

# What scipy raises on damaged files: its own error for some, the parser's for the rest.
DAMAGED = (
    MatReadError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    OSError,
    ArithmeticError,
    NotImplementedError,
    MemoryError,
    struct.error,
    zlib.error,
)


def open_mat5(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a MATLAB v4 to v7 file; the cube is read into memory."""
    try:
        with open_regular(path) as file:
            check_structure(file)
        contents = whosmat(path)
    except DAMAGED as error:
        raise _damaged(path, error) from error

    @cache
    def load(name: str) -> npt.NDArray[Any]:
        try:
            return np.asarray(loadmat(path, variable_names=[name])[name])
        except DAMAGED as error:
            raise _damaged(path, error) from error

    variables, text = [], None
    for name, shape, kind in contents:
        if kind == "struct":
            variables += list(_fields(name, load(name)))
        elif kind == "char" and name == "metadata":
            text = "".join(load(name).ravel().tolist())
        else:
            variables.append(Variable(name, tuple(shape), kind in _NUMERIC, partial(load, name)))
    return scene_of(path, "MATLAB v5", variables, options, text)


def _fields(name: str, value: npt.NDArray[Any], depth: int = 4) -> Iterator[Variable]:
    """Yield the arrays in a 1x1 structure, named ``structure.field``."""
    if value.dtype.names is None:
        yield Variable(name, value.shape, value.dtype.kind in "biufc", lambda: value)
    elif value.size == 1 and depth:
        for field in value.dtype.names:
            inner = value.flat[0][field]
            if isinstance(inner, np.ndarray):
                yield from _fields(f"{name}.{field}", inner, depth - 1)


def _damaged(path: str, error: BaseException) -> SceneError:
    reason = " ".join(str(error).split()) or type(error).__name__
    return SceneError(
        f"{path}: cannot be read as a MATLAB file ({reason}); it is damaged or not a .mat file, copy it again"
    )
