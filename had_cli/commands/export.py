"""``had export``: a score map in a form that a plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages
from had_cli.commands.options import Overwrite
from had_cli.commands.outcome import guarded


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("export", help=summary)(guarded(export))


def export(
    scores: Annotated[str, typer.Argument(metavar="MAP", help="Score map; higher is more anomalous.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file to write.")],
    exporter: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="Which exporter; default: by suffix."),
    ] = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Export a score map."""
    from had_cli.results.exporting import export_map

    messages = Messages(as_json=json, quiet=quiet)
    used = export_map(scores, out, exporter=exporter, overwrite=overwrite)
    if json:
        messages.document({"scores": scores, "output": str(out), "exporter": used.name})
    else:
        messages.result(f"{out}: {used.name}")
