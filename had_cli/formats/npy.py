"""NumPy arrays, read window by window in both memory orders, with a JSON sidecar."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tokenize import TokenError
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from numpy.lib import format as npy_format

from had_cli.errors import SceneError
from had_cli.formats.cubes import bands_first
from had_cli.formats.metadata import from_json
from had_cli.formats.slab import Slab
from had_cli.scenes.source import SceneInfo, Source, Window

SIDECAR = ".json"


def read_header(file: IO[bytes], where: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return shape, whether the order is Fortran's, and dtype of a .npy stream; nothing is unpickled.

    Raises
    ------
    SceneError
        When it is no .npy stream or holds Python objects.
    """
    try:
        version = npy_format.read_magic(file)
        read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except (ValueError, EOFError, OSError, SyntaxError, TypeError, TokenError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SceneError(
            f"{where}: cannot be read as a NumPy array ({reason}); save it again with numpy.save"
        ) from error
    if dtype.hasobject:
        raise SceneError(f"{where}: holds Python objects, which are never loaded; save a numeric array")
    return shape, fortran, dtype


def open_npy(path: str, options: Mapping[str, Any]) -> Source:
    """Return the scene of a .npy file of rows x cols x bands; options as in :mod:`had_cli.formats`."""
    try:
        with Path(path).open("rb") as file:
            shape, fortran, dtype = read_header(file, path)
            offset = file.tell()
            size = file.seek(0, 2)
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror})") from error
    needed = offset + dtype.itemsize * int(np.prod(shape, dtype=object))
    if size < needed:
        raise SceneError(
            f"{path}: the file is truncated: {size} bytes where {needed} are needed; copy it again"
        )
    known = _sidecar(path)
    stated = known.pop("shape", None)
    if len(shape) == 2 and (options.get("layer") or stated == (*shape, 1)):
        shape = (*shape, 1)
    if len(shape) != 3:
        raise SceneError(
            f"{path}: holds an array of {len(shape)} axes {shape}; a scene has three: rows x cols x bands"
        )
    if stated is not None and stated != shape:
        raise SceneError(
            f"{path}{SIDECAR}: describes an array of {stated}, but {path} holds {shape}; remove or correct it"
        )
    rows, cols, bands = shape
    hint = None if known or stated or options.get("layer") else bands_first((rows, cols, bands))
    info = SceneInfo(
        path=path,
        format="NumPy",
        shape=(rows, cols, bands),
        dtype=dtype.newbyteorder("="),
        block=(rows, 1) if fortran else (1, cols),
        notes=() if hint is None else (hint,),
        **known,
    )
    return SlabSource(info, Slab(path, info.shape, dtype, "fortran" if fortran else "bip", offset))


class SlabSource:
    """A source over an uncompressed array in a file (:class:`had_cli.scenes.source.FileSource`)."""

    def __init__(self, info: SceneInfo, slab: Slab) -> None:
        self.info = info
        self._slab = slab

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored."""
        return self._slab.read(window, bands)

    def valid(self, window: Window) -> None:
        """Return None: such files carry no mask."""

    def expect(self, window: Window, bands: npt.NDArray[np.intp] | None) -> None:
        """Let the system read a window into its memory, without waiting for it."""
        self._slab.expect(window, bands)

    def in_memory(self, window: Window) -> bool:
        """Return whether the system has the beginning of a window in its memory."""
        return self._slab.in_memory(window, None)

    def close(self) -> None:
        """Release the file."""
        self._slab.close()


def _sidecar(path: str) -> dict[str, Any]:
    sidecar = Path(path + SIDECAR)
    if not sidecar.is_file():
        return {}
    try:
        text = sidecar.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SceneError(f"{sidecar}: cannot be read as text ({error}); correct or remove it") from error
    return from_json(text, str(sidecar))
