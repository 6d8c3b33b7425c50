"""The plugin host: finds plugins, keeps each from harming the others, and knows what they offer.

Built-in methods, formats and metrics come in by the same door as anyone's: an entry point of the
group ``had.plugins`` whose module implements hooks of :mod:`had_cli.plugin.hooks`. Listing imports the
plugin modules alone; what they refer to (``"package.module:attribute"``) is imported when it is used.
"""

from had_cli.plugin.host.plugin import Plugin
from had_cli.plugin.host.registry import (
    Registry,
    exporters,
    forget,
    method,
    methods,
    metrics,
    panels,
    plugins,
    readers,
    registry,
    resolve,
    thresholds,
    writers,
)

__all__ = [
    "Plugin",
    "Registry",
    "exporters",
    "forget",
    "method",
    "methods",
    "metrics",
    "panels",
    "plugins",
    "readers",
    "registry",
    "resolve",
    "thresholds",
    "writers",
]
