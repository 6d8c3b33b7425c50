"""Which quality masks of a product take part, and how many pixels each leaves out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from had_cli.errors import SceneError
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import QualityLayer, SceneInfo, Window

NONE = "none"

# Values looked at in one go when masks are counted.
_VALUES = 16 * 1024 * 1024


def choose_quality(info: SceneInfo, names: str | Sequence[str] | None) -> tuple[QualityLayer, ...]:
    """Return the masks of a scene that ``names`` call for.

    Parameters
    ----------
    names
        Names, or text as on the command line: ``cloud,cirrus``, or ``none``. None: those that the
        product's reader has on by default.

    Raises
    ------
    SceneError
        When the scene has no such mask.
    """
    if names is None:
        return tuple(layer for layer in info.quality if layer.default)
    given = names.split(",") if isinstance(names, str) else list(names)
    wanted = [name.strip().lower() for name in given]
    if wanted in ([NONE], []):
        return ()
    known = {layer.name: layer for layer in info.quality}
    for name in wanted:
        if name not in known:
            has = f"it has {', '.join(known)}" if known else "it has none; leave --quality out"
            raise SceneError(f"{info.path}: there is no quality mask {name!r}; {has}")
    return tuple(layer for name, layer in known.items() if name in wanted)


def count_flagged(scene: Scene, layers: Sequence[QualityLayer] | None = None) -> dict[str, int]:
    """Return by name how many pixels of a scene's window each mask flags, in the bands in use.

    Parameters
    ----------
    layers
        Default: those that take part (:attr:`had_cli.scenes.scene.Scene.quality`).
    """
    chosen = scene.quality if layers is None else tuple(layers)
    counts = {layer.name: 0 for layer in chosen}
    if not chosen:
        return counts
    used = None if len(scene.bands) == scene.source.info.shape[2] else scene.bands
    whole = scene.window
    height = max(1, _VALUES // (whole.width * len(scene.bands)))  # a mask may be kept by band
    for row in range(whole.row, whole.row + whole.height, height):
        part = Window(whole.col, row, whole.width, min(height, whole.row + whole.height - row))
        for layer in chosen:
            counts[layer.name] += int(np.count_nonzero(layer.read(part, used)))
    return counts
