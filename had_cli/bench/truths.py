"""Where a scene's truth stands when the scene itself does not carry it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.files import is_store
from had_cli.scenes.folders import TRUTH_SUFFIX
from had_cli.scenes.open import open_source, open_truth
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window, stem
from had_cli.scenes.validity import nonzero

_DRAWN = 1  # 0-based; HAD100 ships its truths as colour pictures, and its loader takes this channel


@dataclass(frozen=True, kw_only=True)
class TruthFile:
    """A truth in a file of its own; ``channel`` (0-based) picks one of several bands."""

    path: str
    channel: int | None = None

    def load(self, scene: Scene, variable: str | None = None) -> npt.NDArray[np.bool_]:
        """Return the rows x cols truth of ``scene``'s window; the file is of the whole scene.

        Raises
        ------
        SceneError
            When it cannot be read or is of another size.
        """
        rows, cols, _ = scene.source.info.shape
        if self.channel is None:
            truth = open_truth(self.path, (rows, cols), variable)
        else:
            truth = _channel(self.path, self.channel, (rows, cols))
        return truth[scene.window.rows, scene.window.cols]


def truth_beside(path: str, suffixes: frozenset[str]) -> TruthFile | None:
    """Return the truth that belongs to the scene at ``path``, by name or by the layout of HAD100.

    ``NAME_gt.*`` beside ``NAME.*``, with one of ``suffixes``; else
    ``ground_truth/SENSOR/NAME.png`` for ``test/SENSOR/NAME.npy``.

    Raises
    ------
    SceneError
        When several files could be meant.
    """
    file, name = Path(path), stem(path)
    if not file.is_file() and not is_store(file):  # a URL
        return None
    wanted = (name + TRUTH_SUFFIX).lower()
    found = sorted(
        other
        for other in file.parent.iterdir()
        if other.suffix.lower() in suffixes and stem(str(other)).lower() == wanted
    )
    if len(found) > 1:
        names = ", ".join(other.name for other in found)
        raise SceneError(f"{path}: more than one file can be its truth: {names}; keep one of them")
    if found:
        return TruthFile(path=str(found[0]))
    folder = file.absolute().parent
    if folder.parent.name == "test":
        picture = folder.parent.parent / "ground_truth" / folder.name / f"{name}.png"
        if picture.is_file():
            return TruthFile(
                path=str(file.parent / ".." / ".." / picture.relative_to(folder.parents[1])), channel=_DRAWN
            )
    return None


def _channel(path: str, channel: int, shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Return where one band of a picture is set; the only band, where it has no more."""
    options: dict[str, Any] = {"layer": "truth", "shapes": (shape,)}
    source = open_source(path, options)
    try:
        rows, cols, bands = source.info.shape
        if (rows, cols) != shape:
            raise SceneError(f"{path}: the truth has {rows} x {cols} pixels, not {shape[0]} x {shape[1]}")
        band = np.array([min(channel, bands - 1)])
        return nonzero(source.read(Window(0, 0, cols, rows), band)[..., 0])
    finally:
        source.close()
