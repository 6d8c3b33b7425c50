"""The command line: one module per command; each parses, calls a library function, and prints.

Only the command that was asked for is imported, so ``had --help`` costs little more than typer.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from had_cli.commands.arguments import (
    NARROW,
    columns,
    completed_words,
    named_command,
    named_method,
    wants_help,
    wants_panels,
)
from had_cli.commands.common_options import HelpOption
from had_cli.errors import UsageError

# command -> the line it has in `had --help`; the module of the same name has `install(app, summary, words)`
COMMANDS = {
    "detect": "Map the anomalies of scenes.",
    "train": "Train a method's weights on scenes.",
    "threshold": "Turn scores into a mask and a list of places.",
    "quicklook": "Draw a scene in colours, and its score map, as PNG.",
    "evaluate": "Judge a score map against a truth.",
    "bench": "Compare methods on scenes with a truth.",
    "export": "Write a score map in a form that a plugin brings.",
    "report": "Write a scene and its scores, or a bench, as one HTML page.",
    "info": "Describe a scene: size, bands, wavelengths, georeference.",
    "convert": "Write a scene, or a part of it, in another format.",
    "devices": "List what can compute here.",
    "plugins": "List the installed plugins and what they offer.",
    "config": "Show the defaults that files and variables set.",
    "completion": "Print the script that completes the words of had in a shell.",
    "models": "List, show, verify, import and export trained weights.",
    "demo": "Make a small scene, find its anomalies, draw the result.",
}
_HELP = "Find anomalies in hyperspectral scenes: had detect SCENE runs the default method."


def application(words: Sequence[str]) -> typer.Typer:
    """Return the program that will parse ``words``, the arguments after ``had``.

    ``words`` tells which command to import and, for detect and train, which method's parameters
    become options; when the shell asks for completions they come from the unfinished line instead.
    """
    unfinished = completed_words()
    words = unfinished or list(words)
    command = named_command(words)
    # panels for the help of one command; elsewhere drawing them would cost as much as all the rest
    panels = command is not None and wants_panels(words)
    defaults: dict[str, dict[str, Any]] = {}
    app = typer.Typer(
        name="had",
        help=_HELP,
        no_args_is_help=True,
        # typer loads its validators, 80 ms, to find that an option it adds itself was not given
        add_completion=command is None or bool(unfinished),
        rich_markup_mode="rich" if panels else None,
        pretty_exceptions_enable=False,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "default_map": defaults,
            # click itself takes no terminal for narrower than 52 columns, and cuts what does not fit there
            "terminal_width": columns() if columns() < NARROW else None,
        },
        add_help_option=False,
    )
    app.callback()(_root)
    if command in COMMANDS:
        import_module(f"had_cli.commands.{command}").install(app, COMMANDS[command], words)
        defaults[command] = _defaults(app, command, words)
        if columns() < NARROW and wants_help(words):
            from had_cli.commands.narrow import narrowed

            narrowed(app)
    else:
        for name, summary in COMMANDS.items():
            app.command(name, help=summary, short_help=summary)(_listed)  # which is wrapped, not cut
    return app


def _defaults(app: typer.Typer, command: str, words: Sequence[str]) -> dict[str, Any]:
    """Return the defaults that files and variables give to the options of the command."""
    from inspect import signature

    from had_cli.commands.configuration import in_force, refuse_unknown, settings

    callback = app.registered_commands[-1].callback if app.registered_commands else None
    if callback is None:  # of several commands, none of which has defaults: no file is looked for
        return {}
    found = settings()
    if not found:
        return {}
    stray = next((setting for setting in found if setting.table[0] not in COMMANDS), None)
    if stray is not None:
        raise UsageError(f"{stray.source}: [{stray.table[0]}] is no command of had; see had --help")
    method = in_force(found, command).get("method")
    chosen = in_force(found, command, named_method(words) or (None if method is None else str(method.value)))
    refuse_unknown(chosen, command, signature(callback).parameters)
    return {name: setting.value for name, setting in chosen.items() if name != "method"}


def _listed() -> None:
    """Stand in the list of commands; the command itself is installed when it is called."""


def _show_version(value: bool) -> None:
    if value:
        from had_cli._version import __version__

        typer.echo(f"had {__version__}")
        raise typer.Exit


def _root(
    help: HelpOption = False,  # noqa: A002 - the name of the option
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> Any:
    pass
