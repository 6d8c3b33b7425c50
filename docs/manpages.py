"""The manual pages, had(1) and had-COMMAND(1), from the parsed declarations of the command line.

``docs/generate.py`` writes them into docs/man; the wheel brings them to share/man/man1. Written here because
click-man needs click itself, and newer versions of typer carry a copy of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Any

from had_cli._version import __version__
from had_cli.commands import COMMANDS
from had_cli.plugin.descriptions import Method, Param

_PURPOSE = "find anomalies in hyperspectral scenes"
_STATUS = (
    ("0", "done"),
    ("1", "the data or the run failed; one line on standard error says what is wrong with what"),
    ("2", "wrong usage"),
    ("130, 143, 129", "interrupted, or told to end"),
)
_VARIABLES = (
    ("HAD_CONFIG", "a file of defaults instead of those found"),
    ("HAD_METHOD", "the method of had detect where none is named"),
    ("HAD_DISABLE_PLUGINS", "names of plugins, separated by commas, that are not loaded"),
    ("NO_COLOR", "no colours in help"),
)


def manual(program: Callable[[list[str]], Any], methods: list[Method]) -> dict[str, str]:
    """Return the text of each page by its file name.

    Parameters
    ----------
    program
        From words to the parsed command, as typer makes it.
    methods
        Whose options belong to detect and train.
    """
    found = {"had.1": "".join(_root())}
    for name, summary in COMMANDS.items():
        command = program([name]).commands[name]
        found[f"had-{name}.1"] = "".join(_page(name, summary, command, methods))
    return found


def _root() -> Iterator[str]:
    yield _title("had") + _section("NAME", f"had \\- {_PURPOSE}\n")
    yield _section("SYNOPSIS", ".B had\n.I COMMAND\n[OPTIONS] [ARGUMENTS]\n.br\n.B had COMMAND \\-\\-help\n")
    told = [("had " + name, summary, f"had-{name}") for name, summary in COMMANDS.items()]
    yield _section(
        "COMMANDS", "".join(f".TP\n.BR {_text(see)} (1)\n{_text(what)}\n" for _, what, see in told)
    )
    yield _section("EXIT STATUS", _entries(_STATUS)) + _section("ENVIRONMENT", _entries(_VARIABLES))


def _page(name: str, summary: str, command: Any, methods: list[Method]) -> Iterator[str]:
    yield _title(f"had-{name}")
    yield _section("NAME", f"had\\-{_text(name)} \\- {_text(summary[0].lower() + summary[1:].rstrip('.'))}\n")
    subcommands: dict[str, Any] = getattr(command, "commands", {})
    if not subcommands:
        yield from _command(f"had {name}", command, "SYNOPSIS", "OPTIONS")
    for below, subcommand in subcommands.items():
        yield from _command(f"had {name} {below}", subcommand, f"HAD {name} {below}".upper(), None)
    for method in methods:
        params = {"detect": method.params, "train": method.train_params}.get(name, ())
        if params:
            yield _section(f"OPTIONS OF {method.name.upper()}", "".join(map(_param, params)))
    yield _section("SEE ALSO", ".BR had (1)\n")


def _command(path: str, command: Any, heading: str, options: str | None) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument" and not p.hidden]
    shown = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
    words = " ".join(["[OPTIONS]", *(_argument(argument) for argument in arguments)])
    yield _section(heading, f".B {_text(path)}\n{_text(words)}\n")
    if options is None:
        yield f".PP\n{_text(command.help)}\n"
    else:
        yield _section("DESCRIPTION", f"{_text(command.help)}\n")
    entries = [(_argument(a), a.help or "") for a in arguments if a.help]
    entries += [(_option(o), _with_default(o)) for o in shown]
    yield _entries(entries) if options is None else _section(options, _entries(entries))


def _argument(argument: Any) -> str:
    name = argument.metavar or argument.name.upper()
    name += "..." if argument.nargs == -1 and not name.endswith("...") else ""
    return name if argument.required else f"[{name}]"


def _option(option: Any) -> str:
    spellings = ", ".join([*option.opts, *option.secondary_opts])
    if option.is_flag:
        return spellings
    choices = "|".join(type(option.default)) if isinstance(option.default, StrEnum) else None
    return f"{spellings} {option.metavar or choices or 'VALUE'}"


def _with_default(option: Any) -> str:
    if option.is_flag or not isinstance(option.default, str | int | float) or option.default == "":
        return option.help or ""
    return f"{option.help} Default: {option.default!s}."


def _param(param: Param) -> str:
    kind = "|".join(param.choices) or {int: "INTEGER", float: "NUMBER", str: "TEXT"}.get(param.type, "PATH")
    name = param.option if param.type is bool else f"{param.option} {kind}"
    limits = f" Takes {param.range()}." if (param.minimum, param.maximum) != (None, None) else ""
    default = "" if param.default is None or param.type is bool else f" Default: {param.default}."
    return _entries([(name, f"{param.help}{limits}{default}")])


def _title(name: str) -> str:
    return f'.TH "{_text(name.upper())}" "1" "" "had {__version__}" "had"\n'


def _section(heading: str, body: str) -> str:
    return f'.SH "{_text(heading)}"\n{body}'


def _entries(entries: Any) -> str:
    return "".join(f".TP\n.B {_text(name)}\n{_text(what)}\n" for name, what in entries)


def _text(text: str | None) -> str:
    """Return text of one line for roff: no escapes of rich, and none of its own taken for markup."""
    plain = " ".join((text or "").replace("\\[", "[").split())
    plain = plain.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", plain)
