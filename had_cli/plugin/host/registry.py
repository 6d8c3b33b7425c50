"""What all plugins together offer, name by name."""

from __future__ import annotations

import importlib
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

from had_cli.errors import PluginError, UnknownMethodError
from had_cli.plugin.descriptions import Method, Metric, Reader, Writer
from had_cli.plugin.extensions import Exporter, Panel, ThresholdRule
from had_cli.plugin.host import discovery
from had_cli.plugin.host.entrypoints import Entry
from had_cli.plugin.host.loading import load, one_line
from had_cli.plugin.host.plugin import KINDS, Plugin


class Registry:
    """The plugins of one environment and the names they have been given.

    A name belongs to the plugin that comes first in :func:`had_cli.plugin.host.discovery.found`; a later
    plugin that wants it is broken for that name and keeps the rest of its offer.
    """

    def __init__(self) -> None:
        self.plugins: list[Plugin] = []
        self._owners: dict[tuple[str, str], Plugin] = {}
        self._items: dict[str, dict[str, Any]] = {kind: {} for kind in KINDS}
        off = set(discovery.disabled())
        for plugin, entry in discovery.found():
            self.plugins.append(self._admitted(plugin, entry, disabled=plugin.name in off))
        self.unknown_disabled = discovery.unknown_disabled(self.plugins)

    def items(self, kind: str) -> dict[str, Any]:
        """Return the descriptions of a kind, such as ``methods`` or ``panels``, by name."""
        return dict(self._items[kind])

    def method(self, name: str) -> Method:
        """Return the method called ``name``.

        Raises
        ------
        UnknownMethodError
            When no plugin, not even an unusable one, brings it.
        PluginError
            When the plugin that would bring it is broken or disabled.
        """
        known: dict[str, Method] = self._items["methods"]
        if name in known:
            return known[name]
        for plugin in self.plugins:
            if plugin.might_offer(name):
                why = (
                    f"{discovery.DISABLE} disables plugin {plugin.origin}"
                    if plugin.state == "disabled"
                    else f"plugin {plugin.origin} is broken: {plugin.error}"
                )
                raise PluginError(f"there is no method {name}: {why}")
        near = get_close_matches(name, known, n=1)
        hint = f", did you mean {near[0]}?" if near else ";"
        raise UnknownMethodError(
            f"there is no method {name!r}{hint} known: {', '.join(sorted(known)) or 'none'}"
        )

    def owner_of(self, reference: str) -> Plugin | None:
        """Return the plugin whose description holds ``reference``."""
        for (kind, name), plugin in self._owners.items():
            item = self._items[kind][name]
            if reference in (getattr(item, attribute, None) for attribute in type(item).__slots__):
                return plugin
        return None

    def _admitted(self, plugin: Plugin, entry: Entry, *, disabled: bool) -> Plugin:
        if disabled:
            return replace(plugin, state="disabled")
        first = next((p for p in self.plugins if p.name == plugin.name and p.state != "disabled"), None)
        if first is not None:
            return plugin.broken(f"the plugin name {plugin.name} is taken by {first.origin}")
        plugin = load(plugin, entry)
        offer, taken = plugin.offer, []
        for kind in KINDS:
            free = []
            for item in getattr(offer, kind):
                owner = self._owners.setdefault((kind, item.name), plugin)
                if owner is plugin:
                    free.append(item)
                    self._items[kind][item.name] = item
                else:
                    taken.append(f"the {kind.removesuffix('s')} name {item.name} is taken by {owner.origin}")
            offer = replace(offer, **{kind: tuple(free)})
        return plugin.broken("; ".join(taken), offer) if taken else plugin


_current: Registry | None = None


def registry() -> Registry:
    """Return the registry of this process; plugins are imported at the first call."""
    global _current  # noqa: PLW0603 - one per process is the point
    if _current is None:
        _current = Registry()
    return _current


def forget() -> None:
    """Start afresh: the next question looks for plugins again. For tests and long-lived processes."""
    global _current  # noqa: PLW0603
    _current = None


def plugins() -> list[Plugin]:
    """Return every installed plugin, usable or not, in the order in which names are given away."""
    return list(registry().plugins)


def methods() -> dict[str, Method]:
    """Return the usable methods by name."""
    return registry().items("methods")


def readers() -> dict[str, Reader]:
    """Return the usable readers by name."""
    return registry().items("readers")


def writers() -> dict[str, Writer]:
    """Return the usable writers by name."""
    return registry().items("writers")


def metrics() -> dict[str, Metric]:
    """Return the usable metrics by name."""
    return registry().items("metrics")


def thresholds() -> dict[str, ThresholdRule]:
    """Return the usable threshold rules of plugins by name."""
    return registry().items("thresholds")


def panels() -> dict[str, Panel]:
    """Return the usable panels by name."""
    return registry().items("panels")


def exporters() -> dict[str, Exporter]:
    """Return the usable exporters by name."""
    return registry().items("exporters")


def method(name: str) -> Method:
    """Return the method called ``name``; see :meth:`Registry.method`."""
    return registry().method(name)


def resolve(reference: str) -> Any:
    """Import ``"package.module:attribute"`` and return the attribute.

    Raises
    ------
    PluginError
        Naming the plugin that declared the reference, when it cannot be imported.
    """
    module, _, attribute = reference.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # third-party code may raise anything
        owner = registry().owner_of(reference)
        whose = f"plugin {owner.origin}: " if owner else ""
        raise PluginError(f"{whose}cannot load {reference}: {one_line(error)}") from error
