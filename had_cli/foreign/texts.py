"""JSON and TOML that others have written: never nested without end, never a number that is none."""

from __future__ import annotations

import json
import math
import tomllib
from typing import Any, NoReturn

DEEPEST = 100
"""Levels of lists and tables; the documents of had itself have less than ten."""


def parse_json(text: str | bytes, *, finite: bool = True) -> Any:
    """Return the value of a JSON text.

    Parameters
    ----------
    finite
        Whether NaN, infinities and numbers beyond a double are refused, which JSON does not have but
        Python writes and reads.

    Raises
    ------
    ValueError
        Whatever is wrong with it: no JSON, nested too deep, or with text that no file can hold.
    """
    try:
        if finite:
            document = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        else:
            document = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    _check(document)
    return document


def parse_toml(text: bytes) -> dict[str, Any]:
    """Return the document of a TOML text.

    Raises
    ------
    ValueError
        Whatever is wrong with it.
    """
    try:
        document = tomllib.loads(text.decode("utf-8"))
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    _check(document)
    return document


def _check(document: Any) -> None:
    """Check depth and texts without recursion, so that whoever walks the document later may recurse."""
    level = [document]
    for _ in range(DEEPEST):
        below = []
        for value in level:
            if isinstance(value, str):
                value.encode()  # half of a surrogate pair can be read, and never be printed
            elif isinstance(value, dict):
                below += [*value.keys(), *value.values()]
            elif isinstance(value, list):
                below += value
        if not below:
            return
        level = below
    raise ValueError("it is nested too deep")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        _refuse(text)
    return value


def _refuse(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number of JSON")
