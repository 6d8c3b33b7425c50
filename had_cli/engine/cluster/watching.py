"""Sources of scenes in the process that drives a cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.scenes.scene import Float
from had_cli.scenes.source import SceneInfo, Source, Window


class Watched:
    """A source that counts what is read of it here: by a method itself, for its passes read on workers."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.info = source.info
        self.pixels = 0

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands as stored."""
        self.pixels += window.width * window.height
        return self._source.read(window, bands)

    def valid(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """Return the mask of the file, or None."""
        return self._source.valid(window)

    def close(self) -> None:
        """Release the file."""
        self._source.close()


class RemoteSource:
    """The source of a scene that workers have, or compute; ``read`` asks them for a window."""

    def __init__(self, info: SceneInfo, read: Callable[[Window], Float]) -> None:
        self.info = info
        self._read = read

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands float32, NaN at invalid pixels."""
        cube = self._read(window)
        return cube if bands is None else cube[..., bands]

    def valid(self, window: Window) -> None:
        """Return None: invalid pixels are NaN already."""

    def close(self) -> None:
        """Do nothing: there is no file."""
