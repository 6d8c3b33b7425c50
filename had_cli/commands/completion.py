"""``had completion``: the script that makes a shell complete commands, options, methods and rules."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from had_cli.commands.messages import Messages
from had_cli.commands.outcome import guarded


class Shell(StrEnum):
    """What ``had completion`` takes."""

    bash = "bash"
    zsh = "zsh"
    fish = "fish"
    powershell = "powershell"


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("completion", help=summary)(guarded(completion))


def completion(
    shell: Annotated[
        Shell, typer.Argument(metavar="SHELL", help="bash, zsh, fish or powershell.", show_default=False)
    ],
) -> None:
    """Print the script that makes a shell complete what is typed after had."""
    from typer import completion as scripts  # its only way to a script without asking which shell this is

    make: Any = scripts.get_completion_script  # type: ignore[attr-defined]
    Messages().result(make(prog_name="had", complete_var="_HAD_COMPLETE", shell=shell.value))
