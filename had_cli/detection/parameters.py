"""The parameters of a method: those given, checked, and the defaults of the others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from had_cli.errors import OutputExistsError, UsageError
from had_cli.files import refuse_existing
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method


def check_params(method: Method, given: Mapping[str, Any], *, training: bool = False) -> dict[str, Any]:
    """Return all parameters of ``method`` with defaults filled in.

    Raises
    ------
    UsageError
        When one is unknown, of another type or out of range.
    """
    declared = {p.name: p for p in (method.train_params if training else method.params)}
    unknown = sorted(set(given) - set(declared))
    if unknown:
        known = ", ".join(declared) or "none"
        raise UsageError(f"{method.name} has no parameter {unknown[0]!r}; its parameters: {known}")
    try:
        return {name: p.check(given.get(name, p.default)) for name, p in declared.items()}
    except ValueError as error:
        raise UsageError(str(error)) from error


def method_params(name: str, given: Mapping[str, Any], *, training: bool = False) -> dict[str, Any]:
    """Return all parameters of the method called ``name`` with defaults filled in.

    For a method that runs another one, as FERS does with FERD.

    Raises
    ------
    PluginError
        When there is no such method.
    UsageError
        When a parameter is unknown, of another type or out of range.
    """
    return check_params(host.method(name), given, training=training)


def check_paths(
    method: Method, given: Mapping[str, Any], *, training: bool = False, resume: bool = False
) -> tuple[dict[str, Path], dict[str, Path]]:
    """Return the files among the parameters given, by their options: those written, and those read.

    Parameters
    ----------
    resume
        A file that the method writes may be there: it goes on in it.

    Raises
    ------
    OutputError
        When a file cannot be written.
    OutputExistsError
        When it exists: a method replaces nothing.
    """
    written: dict[str, Path] = {}
    read: dict[str, Path] = {}
    for param in method.train_params if training else method.params:
        if param.type is not Path or given.get(param.name) is None:
            continue
        path = Path(given[param.name])
        if not param.writes:
            read[param.option] = path
            continue
        if os.path.lexists(path) and not resume:
            raise OutputExistsError(f"{path}: exists already; name another file with {param.option}")
        refuse_existing(path, overwrite=True)
        written[param.option] = path
    return written, read
