"""A look at the command line before it is parsed: what to import depends on it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from had_cli.errors import UsageError

NARROW = 80
"""Columns below which help comes without panels."""


def named_command(words: Sequence[str]) -> str | None:
    """Return the command in ``words``, the arguments after ``had``."""
    return next((word for word in words if not word.startswith("-")), None)


def refuse_empty(words: Sequence[str]) -> None:
    """Check that no word is empty: so is ``"$OUT"`` of a variable that is not set, and a path would be ``.``.

    Raises
    ------
    UsageError
        When one is.
    """
    for number, word in enumerate(words):
        if not word or (word.startswith("--") and word.endswith("=")):
            after = f" after {words[number - 1]}" if number and not word else f" in {word}" if word else ""
            raise UsageError(f"there is an empty argument{after}; give a value (is a variable not set?)")


def columns() -> int:
    """Return the width of the terminal, or what COLUMNS says of it."""
    return shutil.get_terminal_size().columns


def wants_panels(words: Sequence[str]) -> bool:
    """Tell whether help will be shown in panels; in a narrow terminal they would break words."""
    return wants_help(words) and columns() >= NARROW


def wants_help(words: Sequence[str]) -> bool:
    """Tell whether the help of a command will be shown."""
    return bool({"-h", "--help"} & set(words))


def named_method(words: Sequence[str]) -> str | None:
    """Return the method that ``words`` ask for by -m or --method, however it is spelt; the last wins."""
    found, rest = None, iter(words)
    for word in rest:
        if word == "--":
            break
        # the short switches -q and -v may stand before: -qm grx, -vmgrx
        cluster = word[1:].lstrip("qv") if word[:1] == "-" != word[1:2] else ""
        if word == "--method" or cluster == "m":
            found = next(rest, None)
        elif word.startswith("--method="):
            found = word.removeprefix("--method=")
        elif cluster.startswith("m"):
            found = cluster[1:]
    return found


def completed_words() -> list[str]:
    """Return the words of the line that a shell wants completed, without ``had``; else none."""
    if "_HAD_COMPLETE" not in os.environ:
        return []
    import shlex

    line = os.environ.get("_TYPER_COMPLETE_ARGS") or os.environ.get("COMP_WORDS") or ""
    try:
        return shlex.split(line)[1:]
    except ValueError:  # a quote is still open
        return line.split()[1:]
