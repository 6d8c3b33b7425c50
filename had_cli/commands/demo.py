"""``had demo``: a small scene, its anomalies, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages
from had_cli.commands.options import Device, Overwrite
from had_cli.commands.outcome import guarded

Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the files go; it is made if need be.")]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("demo", help=summary)(guarded(demo))


def demo(
    folder: Folder = Path("demo"),
    overwrite: Overwrite = False,
    device: Device = "auto",
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a small scene, find its anomalies, draw the result."""
    from had_cli.detection.demo import run_demo

    messages = Messages(as_json=json, quiet=quiet)
    result = run_demo(folder, device=device, overwrite=overwrite, say=messages.result)
    if json:
        messages.document(result.to_json())
