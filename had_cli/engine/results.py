"""Results that memory does not hold, and what to say where there is none."""

from __future__ import annotations

import mmap
import shutil
import tempfile
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import OutputError, SceneError
from had_cli.scenes.background import Background
from had_cli.scenes.describe import runs
from had_cli.scenes.scene import Float, Scene
from had_cli.scenes.source import Window
from had_cli.scenes.validity import empty_bands


class Results:
    """Arrays for results: in memory as long as all of them together fit there, in temporary files beyond.

    Parameters
    ----------
    limit
        Bytes of memory for all arrays that are alive; None for any number.
    path
        The scene's, for messages.
    most
        Bytes that they may take where the disk has no room for them; default: ``limit``.
    """

    def __init__(self, limit: int | None, path: str, most: int | None = None) -> None:
        self._limit, self._path = limit, path
        self._most = limit if most is None else most
        self._held = 0
        self._files: list[Any] = []
        self._mapped: list[weakref.ref[np.memmap[Any, Any]]] = []

    def allocate(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return an array of float32.

        Raises
        ------
        OutputError
            Where the disk would be full before the array is.
        """
        self.rest()
        needed = 4 * int(np.prod(shape, dtype=object))
        if self._fits(needed):
            array = np.empty(shape, np.float32)
            self._held += needed
            weakref.finalize(array, self._freed, needed).atexit = False
            return array
        array, file = on_disk(shape, self._path)
        self._files.append(file)
        self._mapped.append(weakref.ref(array))
        return array

    def _fits(self, needed: int) -> bool:
        """Tell whether so many bytes more are to lie in memory."""
        if self._limit is None or self._held + needed <= self._limit:
            return True
        return self._most is not None and self._held + needed <= self._most and needed > free_on_disk()

    def rest(self) -> None:
        """Leave to the files what lies in them: pages that were touched count as the process's until then."""
        if not hasattr(mmap, "MADV_DONTNEED"):  # Windows
            return
        for reference in self._mapped:
            array = reference()
            if array is not None and isinstance(array.base, mmap.mmap):
                array.base.madvise(mmap.MADV_DONTNEED)

    def close(self) -> None:
        """Remove the files."""
        for file in self._files:
            file.close()

    def _freed(self, size: int) -> None:
        self._held -= size


def free_on_disk() -> int:
    """Return the bytes that temporary files may still take."""
    return shutil.disk_usage(tempfile.gettempdir()).free


def on_disk(shape: tuple[int, ...], path: str) -> tuple[np.memmap[Any, np.dtype[np.float32]], Any]:
    """Return an array in a temporary file, and the file; ``path`` is the scene's.

    Raises
    ------
    OutputError
        Where the disk would be full before the array is.
    """
    needed, free = 4 * int(np.prod(shape, dtype=object)), free_on_disk()
    if needed > free:  # or the process would be killed once the disk is full
        raise OutputError(
            f"{path}: results take {needed / 1e9:.1f} GB, but {tempfile.gettempdir()} has "
            f"{free / 1e9:.1f} GB free; set TMPDIR to another folder, or take a part with --window"
        )
    file = tempfile.TemporaryFile(prefix="had-")  # noqa: SIM115 - closed with the executor
    return np.memmap(file, dtype=np.float32, mode="w+", shape=shape), file


def nothing_valid(
    scene: Scene, read: Callable[[Window], Float], background: Background | None = None
) -> SceneError:
    """Return the error that says that no pixel is valid, and what to do.

    Parameters
    ----------
    read
        Gives pixels of a scene.
    background
        The one that was chosen, where it is that which has no valid pixel.
    """
    if background is not None:
        return SceneError(
            f"{scene.path}: no pixel of the background chosen by {background.name} is valid: all are nodata, "
            "masked or not finite in some band; draw it elsewhere"
        )
    remedy = "see `had info`, or choose bands with --bands"
    if scene.source.info.format != "derived":  # whose bands are none of the file's
        empty = empty_bands(read, scene.shape)
        if empty.any() and not empty.all():
            remedy = f"leave out those without any value: --exclude-bands {runs(scene.bands[empty] + 1)}"
    return SceneError(
        f"{scene.path}: no valid pixel: every pixel is nodata, masked or not finite in some band; {remedy}"
    )
