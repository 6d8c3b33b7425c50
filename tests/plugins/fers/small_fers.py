"""had train in small, for tests that kill it: FERD's graph is the small one of FERD's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ferd"))

if __name__ == "__main__":
    from had_cli.__main__ import _end_at_once, console

    _end_at_once()  # as the program itself does before it loads anything
    from small import shrink

    shrink()
    console()
