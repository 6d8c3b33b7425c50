"""Defaults of options from files: ``had.toml`` of a project and of a user, and ``HAD_METHOD``.

A table has the name of a command, a key that of an option; a table below it that of a method::

    [detect]
    method = "grx"
    memory = "2GB"

    [detect.slrx]
    block-size = 5

What stands on the command line goes over ``HAD_METHOD``, that over the project's file, that over the
user's. The project's file is the ``had.toml`` of the working directory or of the nearest folder above
it. ``HAD_CONFIG`` names one file that is read instead of both; set but empty, none is read.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from had_cli.errors import UsageError

FILE = "had.toml"
INSTEAD, METHOD = "HAD_CONFIG", "HAD_METHOD"
LARGEST = 2**20  # bytes; a configuration is written by hand
# files and folders that a run names for itself: a default for them would surprise, or destroy
NEVER = frozenset(
    {"overwrite", "out", "help", "debug", "resume", "mask_out", "vector", "log_json", "summary"}
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One value: ``table`` is the command and perhaps a method, ``name`` the option's as in Python."""

    table: tuple[str, ...]
    name: str
    value: Any
    source: str

    @property
    def label(self) -> str:
        """The setting as a file has it, e.g. ``detect.slrx.block-size``."""
        return ".".join((*self.table, self.name.replace("_", "-")))


def settings() -> list[Setting]:
    """Return all settings in force or overridden, the weakest first.

    Raises
    ------
    UsageError
        When a file cannot be read or is no configuration.
    """
    found = [setting for path in _files() for setting in _read(path)]
    if method := os.environ.get(METHOD):
        found.append(Setting(("detect",), "method", method, METHOD))
    return found


def in_force(found: Iterable[Setting], command: str, method: str | None = None) -> dict[str, Setting]:
    """Return the settings of a command, and of its method, by the option's name."""
    chosen = {s.name: s for s in found if s.table == (command,)}
    if method is not None:
        chosen |= {s.name: s for s in found if s.table == (command, method)}
    return chosen


def refuse_unknown(chosen: Mapping[str, Setting], command: str, options: Iterable[str]) -> None:
    """Refuse settings that are no option of the command, or that no file may set.

    Raises
    ------
    UsageError
        For the first of them.
    """
    known = set(options) - NEVER
    for name, setting in chosen.items():
        if name in NEVER:
            raise UsageError(
                f"{setting.source}: {setting.label} cannot have a default; give it on the command line"
            )
        if name not in known:
            raise UsageError(
                f"{setting.source}: {setting.label} is no option of had {command}; see had {command} --help"
            )


def _files() -> list[Path]:
    named = os.environ.get(INSTEAD)
    if named is not None:
        return [Path(named)] if named else []
    from platformdirs import user_config_path

    found = [user_config_path("had") / FILE]
    here = Path.cwd()
    found += [path for folder in (here, *here.parents) if (path := folder / FILE).exists()][:1]
    return [path for path in dict.fromkeys(found) if path.exists()]


def _read(path: Path) -> list[Setting]:
    from had_cli.foreign.texts import parse_toml

    try:
        # opened without waiting: a named pipe would hold the program for ever
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or state.st_size > LARGEST:
                raise UsageError(f"{path}: is no configuration file (a small text file in TOML)")
            document = parse_toml(file.read(LARGEST))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        if isinstance(error, UsageError):
            raise
        reason = " ".join(str(error).split())
        raise UsageError(
            f"{path}: is no TOML ({reason}); correct it, or set {INSTEAD}= to read none"
        ) from error
    return list(_flat(document, (), str(path)))


def _flat(table: Mapping[str, Any], below: tuple[str, ...], source: str) -> Iterable[Setting]:
    for key, value in table.items():
        if isinstance(value, dict) and len(below) < 2:
            yield from _flat(value, (*below, key), source)
        elif not below or isinstance(value, dict):
            raise UsageError(f"{source}: {key} stands where a command's table is expected, such as [detect]")
        else:
            yield Setting(below, key.replace("-", "_"), value, source)
