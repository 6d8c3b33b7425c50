"""The version of the contract between ``had`` and its plugins.

The first number changes when a plugin that worked may stop working, the second when something is
added. A plugin says what it was written for by ``HAD_CONTRACT = (1, 0)`` in its module; one that
says nothing is taken for the present contract.
"""

from __future__ import annotations

from typing import Any

CONTRACT = (1, 0)
DECLARED_BY = "HAD_CONTRACT"


def mismatch(declared: Any) -> str | None:
    """Return in one line why a plugin written for ``declared`` cannot be used, or None where it can."""
    if (
        not isinstance(declared, tuple)
        or len(declared) != 2
        or not all(type(number) is int and number >= 0 for number in declared)
    ):
        return f"{DECLARED_BY} is a pair of whole numbers such as {CONTRACT}, not {declared!r:.80}"
    if declared[0] != CONTRACT[0]:
        newer = declared[0] > CONTRACT[0]
        remedy = "update had" if newer else "update the plugin"
    elif declared[1] > CONTRACT[1]:
        remedy = "update had"
    else:
        return None
    return f"it is written for plugin contract {_text(declared)}, this had has {_text(CONTRACT)}: {remedy}"


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"
