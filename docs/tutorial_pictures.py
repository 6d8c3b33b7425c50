"""Draw the pictures of docs/guide/tutorial.md by its own commands: ``python docs/tutorial_pictures.py``."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests" / "docs"))

from pages import pictures_of, run_blocks  # noqa: E402 - found by the line above


def main() -> None:
    """Write the pictures into docs/images."""
    page = DOCS / "guide" / "tutorial.md"
    with tempfile.TemporaryDirectory() as folder:
        run_blocks(page, Path(folder))
        for name in pictures_of(page):
            shutil.copy(Path(folder, name), DOCS / "images" / name)


if __name__ == "__main__":
    main()
