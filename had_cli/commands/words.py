"""A look at the command line before it is parsed: what to import depends on it."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence

_SHORT = re.compile(r"-[qv]*m(?P<value>.*)", re.DOTALL)  # -m alone or after short switches


def named_command(words: Sequence[str]) -> str | None:
    """Return the command in ``words``, the arguments after ``had``."""
    return next((word for word in words if not word.startswith("-")), None)


def wants_help(words: Sequence[str]) -> bool:
    """Tell whether the help of a command will be shown."""
    return bool({"-h", "--help"} & set(words))


def named_method(words: Sequence[str]) -> str | None:
    """Return the method that ``words`` ask for by -m or --method, however it is spelt; the last wins."""
    found, rest = None, iter(words)
    for word in rest:
        if word == "--":
            break
        short = None if word.startswith("--") else _SHORT.fullmatch(word)
        if word == "--method" or (short and not short["value"]):
            found = next(rest, None)
        elif word.startswith("--method="):
            found = word.removeprefix("--method=")
        elif short:
            found = short["value"]
    return found


def completed_words() -> list[str]:
    """Return the words of the line that a shell wants completed, without ``had``; else none."""
    if "_HAD_COMPLETE" not in os.environ:
        return []
    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""
    try:
        return shlex.split(line)[1:]
    except ValueError:  # a quote is still open
        return line.split()[1:]
