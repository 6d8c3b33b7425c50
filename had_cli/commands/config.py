"""``had config``: which defaults are set, and where."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from had_cli.commands.common_options import Json
from had_cli.commands.configuration import Setting, settings
from had_cli.commands.messages import Messages, table
from had_cli.commands.outcome import guarded


def install(app: typer.Typer, summary: str, _words: Sequence[str]) -> None:
    """Add the commands to ``app``."""
    group = typer.Typer(help=summary, no_args_is_help=True, rich_markup_mode=None)
    group.command("show", help="Show every default that is set, where, and what it goes over.")(guarded(show))
    app.add_typer(group, name="config")


def show(json: Json = False) -> None:
    """Show every default that is set, where, and what it goes over."""
    messages = Messages(as_json=json)
    strongest: dict[str, Setting] = {}
    rows: list[tuple[Setting, bool]] = []
    found = settings()
    for setting in found:
        strongest[setting.label] = setting
    rows = [(setting, strongest[setting.label] is setting) for setting in found]
    if json:
        messages.document(
            {
                "settings": [
                    {"option": s.label, "value": s.value, "from": s.source, "in_force": in_force}
                    for s, in_force in rows
                ]
            }
        )
        return
    if not rows:
        messages.result("no defaults are set; a file had.toml or HAD_METHOD sets some")
        return
    lines = [("option", "value", "", "from")]
    lines += [(s.label, str(s.value), "" if on else "(overridden)", s.source) for s, on in rows]
    for line in table(lines):
        messages.result(line)
