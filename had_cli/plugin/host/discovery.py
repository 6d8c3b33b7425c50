"""Which plugins are installed, in the order in which names are given away."""

from __future__ import annotations

import os
from collections.abc import Iterable

from had_cli.plugin.hooks import GROUP, PROJECT
from had_cli.plugin.host.entrypoints import Entry, entries
from had_cli.plugin.host.plugin import Plugin

DISABLE = "HAD_DISABLE_PLUGINS"


def found() -> list[tuple[Plugin, Entry]]:
    """Return every plugin, not yet imported, with its entry point.

    Those of ``had`` itself come first, so that no installed package can replace a built-in method
    unnoticed; then the alphabet decides, by distribution and name. Neither the order of installation
    nor that of ``sys.path`` matters.
    """
    ordered = sorted(
        entries(GROUP), key=lambda e: (e.distribution != PROJECT, e.distribution.lower(), e.name, e.value)
    )
    return [(_described(entry), entry) for entry in ordered]


def disabled() -> list[str]:
    """Return the names listed in ``HAD_DISABLE_PLUGINS``."""
    return sorted({name.strip() for name in os.environ.get(DISABLE, "").split(",")} - {""})


def unknown_disabled(plugins: Iterable[Plugin]) -> list[str]:
    """Return the disabled names that no installed plugin bears."""
    known = {plugin.name for plugin in plugins}
    return [name for name in disabled() if name not in known]


def _described(entry: Entry) -> Plugin:
    return Plugin(
        name=entry.name,
        state="ok",
        distribution=entry.distribution,
        version=entry.version,
        module=entry.value,
    )
