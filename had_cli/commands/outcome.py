"""From what a command's function does to an exit status: 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import gc
import inspect
import os
import re
import sys
from collections.abc import Callable
from typing import Any

import typer

from had_cli.commands.common_options import Debug
from had_cli.commands.signals import Terminated, terminable
from had_cli.errors import UsageError, message

FAILED, USAGE, SIGNALLED, INTERRUPTED = 1, 2, 128, 130


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what ``command`` raises into one line on standard error and an exit status.

    The command gets an option ``--debug``, which shows the traceback instead of the line.
    """
    signature = inspect.signature(command, eval_str=True)
    itself = "debug" in signature.parameters  # a command may report errors of its own

    def run(*args: Any, **kwargs: Any) -> None:
        debug = kwargs["debug"] if itself else kwargs.pop("debug")
        gc.enable()  # see main
        try:
            with terminable():
                command(*args, **kwargs)
        except Terminated as ended:
            complain("told to end")
            raise typer.Exit(SIGNALLED + ended.number) from None
        except KeyboardInterrupt:
            # One that passes through code that was a text (a dataclass is made of one while a module loads)
            # is remembered by Python, which then ends by the signal instead of the status. A text that
            # runs to its end makes it forget.
            exec("")  # noqa: S102
            complain("interrupted")
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:  # `had plugins | head`: nobody reads on, which needs no words
            _forget_stdout()
            raise typer.Exit(FAILED) from None
        except Exception as error:
            # typer's own ways to end (Exit, BadParameter, ...) are not failures
            if _is_typers(error):
                raise
            report(error, debug=debug)
            raise typer.Exit(status(error)) from None

    if not itself:
        option = inspect.Parameter("debug", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Debug)
        signature = signature.replace(parameters=[*signature.parameters.values(), option])
    run.__signature__ = signature  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
    run.__doc__ = command.__doc__
    return run


def status(error: BaseException) -> int:
    """Return the exit status that ``error`` deserves."""
    return USAGE if isinstance(error, UsageError) else FAILED


def report(error: BaseException, *, debug: bool = False) -> None:
    """Say on standard error what went wrong."""
    if debug:
        import traceback

        traceback.print_exception(error)
    else:
        complain(message(error))


def complain(text: str) -> None:
    """Print one line, marked as ours, on standard error; of a name of thousands of letters the two ends."""
    shown = re.sub(r"(\S{80})\S{200,}(\S{40})", r"\1...\2", text)
    typer.echo(f"had: {shown}", err=True)


def _is_typers(error: BaseException) -> bool:
    return any(cls.__module__.partition(".")[0] in {"typer", "click"} for cls in type(error).__mro__)


def _forget_stdout() -> None:
    """Point standard output nowhere, so that the flush at exit does not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
