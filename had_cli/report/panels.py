"""The panels that plugins add to the page of a scene."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import host
from had_cli.plugin.extensions import PanelContent
from had_cli.scenes.scene import Scene


def panels(scene: Scene, scores: npt.NDArray[np.float32]) -> tuple[list[dict[str, Any]], list[str]]:
    """Return what the panels of all plugins show, as JSON values, and a line for each that failed.

    A plugin that fails costs its own panel and not the page.
    """
    shown, failures = [], []
    seen = scores.view()
    seen.flags.writeable = False
    for panel in host.panels().values():
        try:
            content = host.resolve(panel.build)(scene, seen)
            if not isinstance(content, PanelContent):
                raise TypeError(f"it returned {type(content).__name__}, not PanelContent")  # noqa: TRY301
        except Exception as error:  # noqa: BLE001 - a plugin may fail in any way; it is told as a warning
            reason = " ".join(str(error).split())
            failures.append(f"panel {panel.name} failed: {type(error).__name__}: {reason}")
            continue
        picture = content.picture
        shown.append(
            {
                "name": panel.name,
                "title": panel.title,
                "paragraphs": list(content.paragraphs),
                "table": [list(row) for row in content.table],
                "picture": None
                if picture is None
                else "data:image/png;base64," + base64.b64encode(picture).decode("ascii"),
                "caption": content.caption,
            }
        )
    return shown, failures
