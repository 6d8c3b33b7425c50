"""Which plugins are installed: the entry points of ``had.plugins``, from metadata alone."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points

from had_cli.hooks import GROUP, PROJECT
from had_cli.host.plugin import Plugin

DISABLE = "HAD_DISABLE_PLUGINS"


def found() -> list[tuple[Plugin, EntryPoint]]:
    """Return every entry point in the order in which names are given away.

    Those of ``had`` itself come first, so that no installed package can replace a built-in method
    unnoticed; then the alphabet decides, by distribution and name. Neither the order of installation
    nor that of ``sys.path`` matters.
    """
    candidates = [(_described(entry), entry) for entry in entry_points(group=GROUP)]
    return sorted(
        candidates, key=lambda c: (c[0].distribution != PROJECT, c[0].distribution, c[0].name, c[0].module)
    )


def disabled() -> list[str]:
    """Return the names listed in ``HAD_DISABLE_PLUGINS``."""
    return sorted({name.strip() for name in os.environ.get(DISABLE, "").split(",")} - {""})


def unknown_disabled(plugins: Iterable[Plugin]) -> list[str]:
    """Return the disabled names that no installed plugin bears."""
    known = {plugin.name for plugin in plugins}
    return [name for name in disabled() if name not in known]


def _described(entry: EntryPoint) -> Plugin:
    name = version = "unknown"
    if entry.dist is not None:
        # a damaged METADATA yields None or raises, by version of Python; the plugin may still work
        with suppress(PackageNotFoundError, KeyError):
            name, version = entry.dist.name or name, entry.dist.version or version
    return Plugin(name=entry.name, state="ok", distribution=name, version=version, module=entry.value)
