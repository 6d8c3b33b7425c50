"""A scene that is computed from another when it is read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.scenes.scene import Scene
from had_cli.scenes.source import SceneInfo, Window


class DerivedSource:
    """The source of a scene whose pixels are a block map's of another scene.

    Parameters
    ----------
    scene
        The scene it derives from.
    bands
        How many bands the map gives.
    compute
        From a window of ``scene`` to height x width x bands float32, NaN at invalid pixels.
    """

    def __init__(
        self, scene: Scene, bands: int, compute: Callable[[Window], npt.NDArray[np.float32]]
    ) -> None:
        rows, cols, _ = scene.shape
        self.info = SceneInfo(
            path=scene.path,
            format="derived",
            shape=(rows, cols, bands),
            dtype=np.dtype(np.float32),
            block=scene.source.info.block,
        )
        self._compute = compute

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return the computed height x width x bands."""
        cube = self._compute(window)
        return cube if bands is None else cube[..., bands]

    def valid(self, window: Window) -> None:
        """Return None: invalid pixels are NaN already."""

    def close(self) -> None:
        """Do nothing: the scene it derives from stays open."""
