"""Write the parts of the documentation that are told by the code.

``python docs/generate.py`` rewrites ``docs/reference/cli.md``, the manual pages in ``docs/man`` and, in
README.md and the pages, what stands between ``<!-- generated: NAME ARGUMENTS -->`` and ``<!-- end -->``.
A test fails when anything of it is stale. Options are read from the parsed declarations and not from printed
help, which every version of typer lays out differently.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from manpages import manual

from had_cli.commands import COMMANDS, application
from had_cli.commands.models import short
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method, Param
from had_cli.plugin.host.reserved import RESERVED
from had_cli.weights.models import Model, bundled_models, find_weights, trained_on

ROOT = Path(__file__).resolve().parents[1]
CARDS = ROOT / "docs" / "models"
_NOT_TOLD = {"checksum", "method", "probe", "scenes"}  # of the header of weights, in their card
MANUAL = ROOT / "docs" / "man"
REFERENCE = ROOT / "docs" / "reference" / "cli.md"
_REGION = re.compile(r"(<!-- generated: (?P<words>[^>]*?) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
_HEAD = """# Command line

<!-- Written by docs/generate.py from the code; `make cli-reference` rewrites it. -->

Every command takes `--help`. How commands end is told in {doc}`/guide/automation`.
"""


def pages() -> list[Path]:
    """Return the pages that may hold generated regions."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def stale() -> Iterator[tuple[Path, str]]:
    """Yield (file, what it should hold) for every file that is not as the code says."""
    texts = {page: page.read_text(encoding="utf-8") for page in pages()}
    texts |= {page: text for page, text in _new_cards().items() if page not in texts}
    wanted = {page: _REGION.sub(_filled, text) for page, text in texts.items()}
    wanted[REFERENCE] = reference()
    wanted |= {MANUAL / name: text for name, text in manual(_program, _builtin_methods()).items()}
    for page, text in wanted.items():
        if not page.exists() or page.read_text(encoding="utf-8") != text:
            yield page, text


def reference() -> str:
    """Return the text of the command-line reference."""
    parts = [_HEAD]
    for name in COMMANDS:
        program = _program([name])
        parts.append("".join(_command(f"had {name}", program.commands[name], level=2)))
        for method in _builtin_methods():
            for command, params in (("detect", method.params), ("train", method.train_params)):
                if command == name and params:
                    parts.append(f"### had {name} -m {method.name}\n\n{_params(params)}")
    return "\n".join(parts)


def _program(words: list[str]) -> Any:
    return typer.main.get_command(application(words))


def _builtin_methods() -> list[Method]:
    own = [plugin for plugin in host.plugins() if plugin.distribution == "had"]
    return sorted((m for plugin in own for m in plugin.offer.methods), key=lambda m: m.name)


def _command(path: str, command: Any, level: int) -> Iterator[str]:
    """Yield the section of one command and those of its subcommands."""
    subcommands = getattr(command, "commands", {})
    arguments = [p for p in command.params if p.param_type_name == "argument" and not p.hidden]
    shown = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
    options = [p for p in shown if not p.hidden]
    usage = " ".join([path, "[OPTIONS]", *(["COMMAND"] if subcommands else []), *map(_argument, arguments)])
    yield f"{'#' * level} {path}\n\n{_plain(command.help)}\n\n```text\n{usage}\n```\n"
    for argument in arguments:
        if argument.help:
            yield f"\n`{_argument(argument)}`\n: {_plain(argument.help)}\n"
    for option in options:
        yield f"\n`{_option(option)}`\n: {_sentence(_plain(option.help))}{_default(option)}\n"
    for name, subcommand in subcommands.items():
        yield "\n"
        yield from _command(f"{path} {name}", subcommand, level + 1)


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


def _default(option: Any) -> str:
    value = option.default
    # a flag's default is told by its name; anything odd is not a value to be typed
    if option.is_flag or not isinstance(value, str | int | float) or value == "":
        return " Required." if option.required else ""
    return f" Default: `{value!s}`."


def _params(params: tuple[Param, ...]) -> str:
    entries = []
    for param in params:
        kind = "|".join(param.choices) or param.type.__name__.upper()
        name = param.option if param.type is bool else f"{param.option} {kind}"
        text = _sentence(_plain(param.help))
        if param.minimum is not None or param.maximum is not None:
            text += f" Takes {param.range()}."
        if param.default is not None and param.type is not bool:
            text += f" Default: `{param.default}`."
        entries.append(f"`{name}`\n: {text}\n")
    return "\n".join(entries)


def _plain(text: str | None) -> str:
    """Return help text as Markdown: rich's escapes undone, markup characters kept as they are."""
    text = " ".join((text or "").replace("\\[", "[").split())
    return re.sub(r"([*_<])", r"\\\1", text)


def _sentence(text: str) -> str:
    return text if not text or text.endswith((".", "?", ")", "]")) else f"{text}."


def _filled(match: re.Match[str]) -> str:
    name, *arguments = match["words"].split()
    return f"{match[1]}{_REGIONS[name](*arguments)}\n{match[4]}"


def _methods_table() -> str:
    rows = [f"| `{m.name}` | {m.summary} | {m.paper} |" for m in _builtin_methods()]
    return "\n".join(["| method | what it does | paper |", "|---|---|---|", *rows])


def _metrics_table() -> str:
    own = [m for plugin in host.plugins() if plugin.distribution == "had" for m in plugin.offer.metrics]
    rows = [f"| `{m.name}` | {m.symbol or m.name} | {m.summary} | {m.formula} | {m.best:g} |" for m in own]
    return "\n".join(["| name | symbol | what it says | formula | best |", "|---|---|---|---|---|", *rows])


def _method_params(method: str) -> str:
    return _params(host.method(method).params).rstrip("\n")


def _own_models() -> list[Model]:
    methods = {method.name for method in _builtin_methods()}
    return [model for model in bundled_models() if model.method in methods]


def _new_cards() -> dict[Path, str]:
    """Return a card, yet to be written, for each of the weights that come with ``had``."""
    template = (CARDS / "card.md.in").read_text(encoding="utf-8")
    return {
        CARDS / f"{model.name}.md": template.format(name=model.name, method=model.method)
        for model in _own_models()
    }


def _models_table() -> str:
    models = _own_models()
    if not models:
        return "None yet."
    rows = []
    for model in models:
        weights = model.load()
        scenes = ", ".join(trained_on(weights.header)) or "-"
        size = sum(tensor.nbytes for tensor in weights.tensors.values()) / 1e6
        bands = weights.header.get("bands", "-")
        rows.append(f"| {{doc}}`{model.name}` | `{model.method}` | {bands} | {scenes} | {size:.1f} MB |")
    cards = "\n".join(model.name for model in models)
    head = ["| weights | method | bands | trained on | size |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows, "", f"```{{toctree}}\n:hidden:\n\n{cards}\n```"])


def _card(name: str) -> str:
    weights = find_weights(name, own=False).load()
    header = {key: value for key, value in weights.header.items() if key not in _NOT_TOLD}
    scenes = ", ".join(trained_on(weights.header))
    rows = [("sha256 of the file", f"`{weights.hash}`"), ("method", f"`{weights.method}`")]
    rows += [("numbers", f"{sum(tensor.size for tensor in weights.tensors.values())}")]
    rows += [("scenes trained on", scenes)] if scenes else []
    rows += [(key.replace("_", " "), _plain(short(value))) for key, value in sorted(header.items()) if value]
    return "\n".join(["| what | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows)])


def _reserved() -> str:
    return ", ".join(f"`{name}`" for name in sorted(RESERVED))


_REGIONS: dict[str, Callable[..., str]] = {
    "methods": _methods_table,
    "metrics": _metrics_table,
    "params": _method_params,
    "reserved": _reserved,
    "models": _models_table,
    "card": _card,
}

if __name__ == "__main__":
    for page, text in stale():
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")
