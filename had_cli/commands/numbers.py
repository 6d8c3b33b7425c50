"""Numbers as they are typed: ``1_0`` and ``+5``, which Python would take, are refused as slips."""

from __future__ import annotations

import re
from typing import Any

import typer

_INTEGER = re.compile(r"-?[0-9]{1,30}\Z")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?\Z|[+-]?inf\Z|nan\Z")


def integer(text: Any) -> int:
    """Return the whole number that ``text`` is, in digits alone."""
    if isinstance(text, int):  # a default
        return text
    if not _INTEGER.match(text):
        raise typer.BadParameter(f"{text!r} is no whole number such as 5")
    return int(text)


def number(text: Any) -> float:
    """Return the number that ``text`` is, with a point and an exponent if need be."""
    if isinstance(text, int | float):
        return float(text)
    if not _NUMBER.match(text):
        raise typer.BadParameter(f"{text!r} is no number such as 5, 0.5 or 1e-3")
    return float(text)


def within(minimum: int, maximum: int) -> Any:
    """Return a check of an option's whole number."""

    def check(value: int) -> int:
        if value is not None and not minimum <= value <= maximum:
            raise typer.BadParameter(f"takes {minimum} to {maximum}, not {value}")
        return value

    return check
