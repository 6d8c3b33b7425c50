"""A method's parameters as options of ``had detect`` and ``had train``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import typer

from had_cli.commands.arguments import columns, named_method, wants_panels
from had_cli.commands.numbers import integer, number
from had_cli.errors import UsageError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method, Param

Kind = Literal["params", "train_params"]
_CHOICE = "CHOICE"
ORIGIN = "method_origin"  # a parameter of the command, not an option
GIVEN = "option"


class Chosen(NamedTuple):
    """The method of a run, and where its name is from: the option, a variable, a file or ``default``."""

    name: str | None
    origin: str


def with_method_options(
    command: Callable[..., None], kind: Kind, words: Sequence[str], default: Chosen, *, lenient: bool = False
) -> Callable[..., None]:
    """Return ``command`` with its ``**params`` replaced by the options of the method in ``words``.

    Where ``words`` name none, it is that of ``default``. The command is told where the name is from.

    The options of all other methods are there too, hidden, to say whose they are when they are used.

    Parameters
    ----------
    command
        Takes ``method``, ``method_origin`` and ``**params``.
    kind
        Which of the method's parameters.
    lenient
        Pass over a method that does not exist: the shell may complete a name not yet finished.

    Raises
    ------
    PluginError
        When the method does not exist.
    """
    given_name = named_method(words)
    name, origin = default if given_name is None else Chosen(given_name, GIVEN)
    known: Mapping[Any, Method] = host.methods()
    method = known.get(name) if name is None or lenient else host.method(name)
    own = getattr(method, kind) if method else ()
    markup = wants_panels(words)
    options = [_option(param, panel=f"Options of {name}", markup=markup) for param in own]
    fixed_names = set(inspect.signature(command).parameters)
    options += [
        option
        for option in _foreign(known.values(), kind, method, named=given_name is not None)
        if option.name not in fixed_names
    ]

    def run(**given: Any) -> None:
        if given["method"] not in {given_name, name}:
            raise UsageError(f"the method cannot be told for sure: {given_name!r} or {given['method']!r}?")
        if name is None:
            able = ", ".join(sorted(m.name for m in known.values() if m.train is not None))
            raise UsageError(f"name the method with -m METHOD; these can be trained: {able}")
        given |= {"method": name, ORIGIN: origin}
        for option in foreign_names:
            given.pop(option)
        command(**given)

    foreign_names = [option.name for option in options[len(own) :]]
    signature = inspect.signature(command, eval_str=True)
    fixed = [
        p
        for p in signature.parameters.values()
        if p.kind is not inspect.Parameter.VAR_KEYWORD and p.name != ORIGIN
    ]
    signature = signature.replace(parameters=[p.replace(kind=p.KEYWORD_ONLY) for p in fixed] + options)
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    run.__doc__ = command.__doc__
    return run


def complete_method(incomplete: str) -> list[tuple[str, str]]:
    """Return names and summaries of the methods that begin with ``incomplete``."""
    return [(name, m.summary) for name, m in sorted(host.methods().items()) if name.startswith(incomplete)]


def complete_weights(incomplete: str) -> list[str]:
    """Return the names of weights that begin with ``incomplete``; shells go on to files by themselves."""
    from had_cli.weights.models import names

    return [name for name in names() if name.startswith(incomplete)]


def _option(param: Param, panel: str, *, markup: bool) -> inspect.Parameter:
    def accept(value: Any) -> Any:
        try:
            return param.check(value)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from None

    def complete(incomplete: str) -> list[str]:
        return [choice for choice in param.choices if choice.startswith(incomplete)]

    info = typer.Option(
        _spelling(param),
        help=_help(param, markup=markup),
        callback=accept,
        metavar=_CHOICE if markup and _is_wide(param) else _metavar(param),
        autocompletion=complete if param.choices else None,
        rich_help_panel=panel,
        parser={int: integer, float: number}.get(param.type),
    )
    return _parameter(param, param.type, info, param.default)


def _foreign(
    methods: Iterable[Method], kind: Kind, chosen: Method | None, *, named: bool
) -> list[inspect.Parameter]:
    """Return a hidden option for each parameter that is not ours, to say whose it is."""
    here, there = ("detect", "train") if kind == "params" else ("train", "detect")
    # the own options of this method are taken; after them, this command's come before the other's
    used = {part for param in _params(chosen, here) for part in _spelling(param).split("/")}
    refusals = []
    instead_of = chosen if named else None
    for command in (here, there):
        owners: dict[str, list[str]] = {}
        params: dict[str, Param] = {}
        for method in methods:
            for param in _params(method, command):
                owners.setdefault(param.name, []).append(method.name)
                params.setdefault(param.name, param)
        for name, param in params.items():
            parts = set(_spelling(param).split("/"))
            if not parts & used:
                used |= parts
                refusals.append(_refusal(param, _whose(param, owners[name], command, here, instead_of)))
    return refusals


def _params(method: Method | None, command: str) -> tuple[Param, ...]:
    if method is None:
        return ()
    return method.params if command == "detect" else method.train_params


def _whose(param: Param, owners: Sequence[str], command: str, here: str, chosen: Method | None) -> str:
    """Return whose option this is, and whose it is not."""
    if command != here:
        return f"{param.option} belongs to had {command} -m {', '.join(owners)}, not to had {here}"
    return f"{param.option} belongs to {', '.join(owners)}" + (
        f", not {chosen.name}" if chosen else f"; choose with -m {owners[0]}"
    )


def _refusal(param: Param, reason: str) -> inspect.Parameter:
    def refuse(value: Any) -> None:
        if value is not None:
            raise typer.BadParameter(reason)

    # any text will do: whatever the value, the option is not accepted
    kind = bool if param.type is bool else str
    return _parameter(param, kind, typer.Option(_spelling(param), callback=refuse, hidden=True), None)


def _parameter(param: Param, kind: type, info: Any, default: Any) -> inspect.Parameter:
    annotation: Any = kind | None if default is None else kind
    annotation = Annotated[annotation, info]
    return inspect.Parameter(
        param.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


def _spelling(param: Param) -> str:
    if param.type is not bool:
        return param.option
    return f"{param.option}/--no-{param.option.removeprefix('--')}"


def _metavar(param: Param) -> str | None:
    if param.choices:
        return "|".join(param.choices)
    return (
        None if param.type is bool else {int: "INTEGER", float: "NUMBER", str: "TEXT"}.get(param.type, "PATH")
    )


def _is_wide(param: Param) -> bool:
    """Tell whether the choices would be broken within a word in the column of a panel."""
    return bool(param.choices) and len("|".join(param.choices)) > columns() // 4


def _help(param: Param, *, markup: bool) -> str:
    limited = param.minimum is not None or param.maximum is not None
    text = f"{param.help} ({param.range()})" if limited else param.help
    if markup and _is_wide(param):
        text += f" One of {', '.join(param.choices)}."
    return text.replace("[", r"\[") if markup else text  # rich would take brackets for its markup
