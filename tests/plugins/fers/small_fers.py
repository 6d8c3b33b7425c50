"""had train in small, for tests that kill it: FERD's graph is the small one of FERD's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "ferd"))

if __name__ == "__main__":
    from small import shrink

    from had_cli.__main__ import main

    shrink()
    sys.exit(main())
