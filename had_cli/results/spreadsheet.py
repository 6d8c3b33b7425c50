"""Comma-separated values that a spreadsheet may open: no cell of them computes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell begins that spreadsheets compute


def comma_separated(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as lines of comma-separated values."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([map(harmless, row) for row in rows])
    return text.getvalue()


def harmless(cell: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: a name such as ``=1+1`` gets an apostrophe."""
    if not isinstance(cell, str) or _is_number(cell):
        return cell
    line = cell.replace("\r", " ").replace("\n", " ")  # a new line would begin a cell of its own
    return f"'{line}" if cell.startswith(_FORMULA) else line


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
