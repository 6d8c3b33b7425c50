"""What commands say: results on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer

from had_cli.errors import OutputError, plain


class Messages:
    """What one command says.

    Parameters
    ----------
    as_json
        One JSON document is the only thing on standard output.
    quiet
        No notes and no progress; results, warnings and errors remain.
    verbose
        Details as well.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.as_json, self.quiet, self.verbose = as_json, quiet, verbose
        if verbose:
            _show_log_lines()

    def result(self, text: str) -> None:
        """Print a line of the result, unless the result is JSON."""
        if not self.as_json:
            _print(text)

    def document(self, document: Any) -> None:
        """Print the JSON document."""
        import json

        text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
        if not _encodable(text, "strict"):  # escapes of JSON's own, so that it remains JSON
            text = json.dumps(document, indent=2, allow_nan=False)
        _print(text)

    def note(self, text: str) -> None:
        """Say something of interest."""
        if not self.quiet:
            typer.echo(plain(text), err=True)

    def detail(self, text: str) -> None:
        """Say something for those who asked for more."""
        if self.verbose:
            typer.echo(plain(text), err=True)

    def warn(self, text: str) -> None:
        """Say something that bears on the result."""
        typer.echo(f"warning: {plain(text)}", err=True)

    @contextmanager
    def progress(self, title: str) -> Iterator[Callable[..., None]]:
        """Yield ``progress(label, fraction, **numbers)``, drawn on a terminal with the time left."""
        if self.quiet or sys.stderr is None or not sys.stderr.isatty():
            yield _draw_nothing
            return
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[numbers]}", markup=False),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            tasks: dict[str, Any] = {}

            def draw(label: str, fraction: float, **numbers: float) -> None:
                if label not in tasks:
                    for task in tasks.values():  # passes follow one another: one bar at a time
                        bars.update(task, visible=False)
                    tasks[label] = bars.add_task(f"{title}: {label}", total=1.0, numbers="")
                shown = "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
                bars.update(tasks[label], completed=fraction, numbers=shown)

            yield draw


def _show_log_lines() -> None:
    """Show what had and its plugins log; other libraries are left as they are."""
    import logging

    from had_cli.plugin import host

    class Echo(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            typer.echo(f"{record.name}: {record.getMessage()}", err=True)

    for name in {
        "had_cli",
        *(plugin.module.partition(":")[0].partition(".")[0] for plugin in host.plugins()),
    }:
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)
        logger.handlers = [Echo()]


def _print(text: str) -> None:
    try:
        if not _encodable(text, getattr(sys.stdout, "errors", None) or "strict"):
            text = text.encode(_encoding(), "backslashreplace").decode(_encoding())
        typer.echo(text)
    except BrokenPipeError:  # nobody reads on
        raise
    except OSError as error:
        raise OutputError(f"cannot write to standard output: {error.strerror}") from error


def _encoding() -> str:
    return getattr(sys.stdout, "encoding", None) or "utf-8"


def _encodable(text: str, errors: str) -> bool:
    """Return whether standard output's encoding has all of ``text``."""
    try:
        text.encode(_encoding(), errors)
    except UnicodeEncodeError:
        return False
    return True


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with aligned columns; the last column is left ragged."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


def facts(values: Mapping[str, Any]) -> str:
    """Return ``name=value`` pairs on one line."""
    return ", ".join(f"{name}={value}" for name, value in values.items())


def told_counts(counts: Mapping[str, int]) -> str:
    """Return pixels by the name of a quality mask on one line."""
    return ", ".join(f"{name} {count}" for name, count in counts.items()) + " pixels"


def size(count: int) -> str:
    """Return a number of bytes for people, in powers of 1024."""
    amount, unit = float(count), "bytes"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"


def _draw_nothing(label: str, fraction: float, **numbers: float) -> None:
    """Report progress to nobody."""
