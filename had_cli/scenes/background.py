"""Background that the user chose: the pixels of which alone a method takes its statistics."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from had_cli.errors import SceneError
from had_cli.scenes.source import Window
from had_cli.scenes.validity import Mask


@dataclass(frozen=True)
class Background:
    """Chosen pixels, and what to call them in messages and tags.

    Attributes
    ----------
    mask : rows x cols of the scene's window, True where a pixel is chosen
    name : the files it was made of
    """

    mask: Mask = field(repr=False)
    name: str = "background"

    @classmethod
    def of(cls, chosen: Background | Mask) -> Background:
        """Return a background as it is, or that of a mask."""
        return chosen if isinstance(chosen, Background) else cls(np.asarray(chosen, dtype=bool))

    def checked(self, shape: tuple[int, int], scene: str) -> Background:
        """Return this background if it fits a scene of ``shape`` and holds a pixel.

        Raises
        ------
        SceneError
            When it does not.
        """
        if self.mask.shape != shape:
            size = " x ".join(map(str, self.mask.shape))
            raise SceneError(
                f"{scene}: {self.name} has {size} pixels, the scene {shape[0]} x {shape[1]}; "
                "give one of its size"
            )
        if not self.mask.any():
            raise SceneError(
                f"{scene}: no pixel of the scene is in the background chosen by {self.name}; draw it within "
                "the scene and the window, larger than a pixel"
            )
        return self

    def within(self, window: Window, scene: str) -> Background:
        """Return the part in a window.

        Raises
        ------
        SceneError
            When no chosen pixel lies there.
        """
        part = Background(self.mask[window.rows, window.cols], self.name)
        return part.checked((window.height, window.width), scene)
