"""Whether weights have seen the scene that they are measured on."""

from __future__ import annotations

from typing import Any

from had_cli.scenes.fingerprint import scene_hash
from had_cli.scenes.scene import Scene
from had_cli.weights.file import Weights

MARK = "\N{DAGGER}"
NOTE = f"{MARK} The weights were trained on this scene, so the figure says nothing of others."


def trained_here(scene: Scene, weights: Weights | None) -> str | None:
    """Return how the header of ``weights`` knows the scene: by ``"pixels"``, by ``"name"``, or None.

    The name alone will do: a copy with other bands, or another crop, shows the same ground.
    """
    listed = [] if weights is None else weights.header.get("scenes")
    known: list[dict[str, Any]] = [item for item in listed or () if isinstance(item, dict)]
    if not known:
        return None
    if scene_hash(scene) in {item.get("sha256") for item in known}:
        return "pixels"
    names = {str(item.get("name", "")).lower() for item in known}
    return "name" if scene.name.lower() in names else None
