"""Hyperspectral anomaly detection: ``open_scene``, ``detect``, ``evaluate`` do what the commands do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from had_cli._version import __version__

if TYPE_CHECKING:
    from had_cli.api import detect, evaluate, open_scene
    from had_cli.scenes.scene import Scene

__all__ = ["Scene", "__version__", "detect", "evaluate", "open_scene"]

_HOMES = {
    "Scene": "had_cli.scenes.scene",
    "detect": "had_cli.api",
    "evaluate": "had_cli.api",
    "open_scene": "had_cli.api",
}


def __getattr__(name: str) -> Any:
    # numpy and rasterio are imported when something is used, not when `had --help` is asked
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
