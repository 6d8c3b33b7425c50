"""What commands say: results on standard output, everything else on standard error."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import typer

from had_cli.commands.signals import go_on
from had_cli.errors import OutputError, plain

if TYPE_CHECKING:
    from had_cli.commands.event_log import EventLog


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
    log
        Takes all of it, whatever is shown.
    """

    def __init__(
        self,
        *,
        as_json: bool = False,
        quiet: bool = False,
        verbose: bool = False,
        log: EventLog | None = None,
    ) -> None:
        self.log = log
        self.as_json, self.quiet, self.verbose = as_json, quiet, verbose
        if verbose:
            _show_log_lines()

    def result(self, text: str) -> None:
        """Print a line of the result, unless the result is JSON."""
        self._log_line("result", message=text)
        if not self.as_json:
            _print(text)

    def document(self, document: Any) -> None:
        """Print the JSON document."""
        import json

        self._log_line("document", document=document)

        text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False)
        if not _encodable(text, "strict"):  # escapes of JSON's own, so that it remains JSON
            text = json.dumps(document, indent=2, allow_nan=False)
        _print(text)

    def note(self, text: str) -> None:
        """Say something of interest."""
        self._log_line("note", message=text)
        if not self.quiet:
            typer.echo(plain(text), err=True)

    def detail(self, text: str) -> None:
        """Say something for those who asked for more."""
        if self.verbose:
            typer.echo(plain(text), err=True)

    def warn(self, text: str) -> None:
        """Say something that bears on the result."""
        self._log_line("warning", message=text)
        typer.echo(f"warning: {plain(text)}", err=True)

    def failed(self, text: str) -> None:
        """Note in the log that a part of the work failed; standard error has been told."""
        self._log_line("error", message=text)

    @contextmanager
    def progress(
        self, title: str, amount: float | None = None, unit: str = "pixels"
    ) -> Iterator[Callable[..., None]]:
        """Yield ``progress(label, fraction, **numbers)``, which tells how far, how fast and the time left.

        Drawn on a terminal; elsewhere one line a minute; with a log, there as well. ``amount`` is what a
        pass goes through, in ``unit``.
        """
        from had_cli.commands import progress

        with ExitStack() as stack:
            shown = _draw_nothing
            if not self.quiet and sys.stderr is not None:
                pace = progress.Pace(amount, unit)
                if sys.stderr.isatty():
                    shown = stack.enter_context(progress.drawn(title, pace))
                else:
                    shown = progress.lines(title, pace, lambda line: typer.echo(line, err=True))
            log, logged = self.log, progress.Pace(amount, unit)

            def tell(label: str, fraction: float, **numbers: float) -> None:
                go_on()
                shown(label, fraction, **numbers)
                if log is None:
                    return
                told = logged.told(label, fraction)
                left, rate = (None if v is None else round(v, 3) for v in (told.left, told.rate))
                numbers = {name: value for name, value in numbers.items() if math.isfinite(value)}
                told_on = {"seconds_left": left, "per_second": rate, **numbers}
                log.progress(title, label, fraction, amount, unit, **told_on)

            yield tell

    def cells(self, title: str) -> Callable[[int, int], None]:
        """Return ``told(done, total)``, which notes in the log how many parts of a long work are done."""
        from had_cli.commands import progress

        pace: progress.Pace | None = None

        def told(done: int, total: int) -> None:
            nonlocal pace
            if self.log is None or not total:
                return
            pace = pace or progress.Pace(total, "cells")
            estimate = pace.told("cells", done / total)
            left, rate = (None if v is None else round(v, 3) for v in (estimate.left, estimate.rate))
            self.log.progress(
                title, "cells", done / total, total, "cells", seconds_left=left, per_second=rate
            )

        return told

    def _log_line(self, event: str, **values: Any) -> None:
        if self.log is not None:
            self.log.write(event, **values)


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
