"""The options of every command; those that must start as fast as typer itself need no others.

There is a ``--help`` of our own. typer (0.29) validates even the absence of the one it adds, and loads
pydantic to do so: 80 ms that ``had plugins`` has no other use for. A switch that defaults to False
needs no validation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_TELLING = "What it tells"


def _show(context: typer.Context, value: bool) -> None:
    if value:
        typer.echo(context.get_help())
        raise typer.Exit


HelpOption = Annotated[
    bool,
    typer.Option("--help", "-h", callback=_show, is_eager=True, help="Show this message and exit."),
]

Json = Annotated[
    bool,
    typer.Option("--json", help="Print one JSON document on standard output.", rich_help_panel=_TELLING),
]
Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="No notes and no progress.", rich_help_panel=_TELLING)
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Parameters, times and log lines.", rich_help_panel=_TELLING)
]
LogJson = Annotated[
    Path | None,
    typer.Option(
        "--log-json",
        metavar="FILE",
        show_default=False,
        help="Write what happens, progress included, as a line of JSON each, while it runs.",
        rich_help_panel=_TELLING,
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", help="Show the traceback of an error.", rich_help_panel=_TELLING)
]
