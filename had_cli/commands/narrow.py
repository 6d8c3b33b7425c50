"""Help in a narrow terminal: an option on a line of its own leaves room for whole words beside it."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

_TERM = 10  # columns that an option may take beside its help


def narrowed(app: typer.Typer) -> None:
    """Have the commands of ``app`` give help for a narrow terminal."""
    for command in app.registered_commands:
        command.cls = _NarrowCommand
    for group in app.registered_groups:
        if group.typer_instance is not None:
            narrowed(group.typer_instance)


_context: Any = TyperCommand.context_class  # click's own, or the copy that newer versions of typer carry
_formatter: Any = _context.formatter_class


class _NarrowFormatter(_formatter):  # type: ignore[misc]
    def write_dl(self, rows: Any, col_max: int = _TERM, col_spacing: int = 2) -> None:
        # what is escaped for rich's markup is plain here
        plain = [(first, second.replace("\\[", "[")) for first, second in rows]
        super().write_dl(plain, col_max=min(col_max, _TERM), col_spacing=col_spacing)


class _NarrowContext(_context):  # type: ignore[misc]
    formatter_class = _NarrowFormatter


class _NarrowCommand(TyperCommand):
    context_class = _NarrowContext
