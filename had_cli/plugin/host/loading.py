"""Import of one plugin, in isolation: whatever it does wrong becomes one line about that plugin."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import replace
from typing import Any

import pluggy

from had_cli.plugin.contract import CONTRACT, DECLARED_BY, mismatch
from had_cli.plugin.descriptions import Method, Metric, Offer, Reader, Writer
from had_cli.plugin.extensions import Exporter, Panel, ThresholdRule
from had_cli.plugin.hooks import PROJECT, HadSpecs
from had_cli.plugin.host.entrypoints import Entry
from had_cli.plugin.host.plugin import KINDS, Plugin
from had_cli.plugin.host.reserved import reserved_option

_TYPES: dict[str, type[Method | Reader | Writer | Metric | ThresholdRule | Panel | Exporter]] = {
    "methods": Method,
    "readers": Reader,
    "writers": Writer,
    "metrics": Metric,
    "thresholds": ThresholdRule,
    "panels": Panel,
    "exporters": Exporter,
}


class _NonsenseError(Exception):
    """A plugin declares what no plugin may."""


def load(plugin: Plugin, entry: Entry) -> Plugin:
    """Return ``plugin`` with its offer, or as broken.

    The module is registered with a manager of its own, checked by pluggy against the specifications,
    and every hook is called once.
    """
    try:
        with redirect_stdout(sys.stderr):  # standard output belongs to the command's result
            module = entry.load()
            if why := mismatch(getattr(module, DECLARED_BY, CONTRACT)):
                raise _NonsenseError(why)  # noqa: TRY301 - one way out for all reasons
            manager = _registered(plugin.name, module)
            hooks = tuple(sorted(caller.name for caller in manager.get_hookcallers(module) or ()))
            if not hooks:
                raise _NonsenseError(_no_hooks(module))  # noqa: TRY301 - one way out for all reasons
            plugin = replace(plugin, offer=Offer(hooks=hooks))
            results = {kind: _results(manager, kind) for kind in KINDS}
    except (Exception, SystemExit) as error:  # noqa: BLE001 - third-party code may raise anything
        return plugin.broken(one_line(error))
    claims = frozenset(
        (kind, item.name)
        for kind, items in results.items()
        for item in items
        if isinstance(item, _TYPES[kind])
    )
    plugin = replace(plugin, claims=claims)
    try:
        for kind in KINDS:
            _check(kind, results[kind])
    except _NonsenseError as error:
        return plugin.broken(str(error))
    return replace(plugin, offer=Offer(hooks=hooks, **{kind: tuple(results[kind]) for kind in KINDS}))


def one_line(error: BaseException) -> str:
    """Return the error as one line that begins with its type unless the text speaks for itself."""
    text = " ".join(str(error).split())
    if isinstance(error, _NonsenseError | pluggy.PluginValidationError):
        return text
    if isinstance(error, SystemExit):
        return f"it exits the interpreter (SystemExit: {text})"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _registered(name: str, module: Any) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HadSpecs)
    manager.register(module, name=name)
    manager.check_pending()  # refuses a marked hook that no specification knows
    return manager


def _no_hooks(module: Any) -> str:
    unmarked = [f"had_{kind}" for kind in KINDS if callable(getattr(module, f"had_{kind}", None))]
    if unmarked:
        return f"{', '.join(unmarked)} is not marked with @hookimpl of had_cli.plugin"
    return f"it implements no hook; had knows {', '.join(f'had_{kind}' for kind in KINDS)}"


def _results(manager: pluggy.PluginManager, kind: str) -> list[Any]:
    """Call one hook and return its descriptions in one list."""
    items: list[Any] = []
    for result in getattr(manager.hook, f"had_{kind}")():
        if not isinstance(result, list | tuple):
            expected = f"a list of {_TYPES[kind].__name__}"
            raise _NonsenseError(f"had_{kind} returned {_described(result)}, not {expected}")
        items.extend(result)
    return items


def _check(kind: str, items: list[Any]) -> None:
    for item in items:
        if not isinstance(item, _TYPES[kind]):
            raise _NonsenseError(
                f"had_{kind} returned a list with {_described(item)}, not {_TYPES[kind].__name__}"
            )
    names = [item.name for item in items]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise _NonsenseError(f"had_{kind} declares {', '.join(twice)} twice")
    for item in items:
        taken = reserved_option(item) if isinstance(item, Method) else None
        if taken is not None:
            raise _NonsenseError(
                f"method {item.name}: {taken} is an option of had itself; rename the parameter"
            )


def _described(value: Any) -> str:
    return (
        f"{type(value).__name__} {str(value)[:40]!r}"
        if isinstance(value, str | int | float)
        else type(value).__name__
    )
