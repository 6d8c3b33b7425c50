"""The console script ``had``."""

from __future__ import annotations

import gc
import sys


def main() -> None:
    """Run the command line of this process."""
    gc.disable()  # until the command begins: nothing that is made on the way there is garbage
    try:
        from had_cli.commands import application
        from had_cli.commands.outcome import report, status
        from had_cli.errors import HadError

        words = sys.argv[1:]
        try:
            app = application(words)
        except HadError as error:  # a method that does not exist has no options to parse by
            report(error, debug="--debug" in words)
            sys.exit(status(error))
        app(prog_name="had")
    finally:
        gc.enable()


if __name__ == "__main__":
    main()
