"""The folder of a bench: what is done stays done, whatever ends the process."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from had_cli.errors import OutputError, OutputExistsError
from had_cli.files import refuse_url, write_whole
from had_cli.publishing.locks import take
from had_cli.publishing.scratch import sweep

MARK = "bench.lock"
PARTS = ("cells", "maps", "plots")
FILES = (
    MARK,
    "results.json",
    "curves.json",
    "timings.json",
    "results.csv",
    "timings.csv",
    "results.md",
    "results.tex",
)


class BenchFolder:
    """A folder that belongs to one bench at a time.

    ``cells/`` holds a JSON document per finished cell, named by the hash of its key: everything the
    result depends on. A cell is written under a temporary name and renamed, so there are no half cells.

    Raises
    ------
    OutputExistsError
        When the folder holds files and none of them says that it is a bench's.
    OutputError
        When it cannot be made or written to, or another bench is at work in it.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        refuse_url(self.path)
        if self.path.exists() and not self.path.is_dir():
            raise OutputError(f"{self.path}: is a file; name a folder for the results")
        if self.path.is_dir() and not (self.path / MARK).exists() and any(self.path.iterdir()):
            raise OutputExistsError(
                f"{self.path}: holds files that no bench has written; choose another folder"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / MARK).open("a")
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written to ({error.strerror})") from error
        try:
            _take(self._lock.fileno(), self.path)
            for part in PARTS:
                (self.path / part).mkdir(exist_ok=True)
        except OSError as error:
            self._lock.close()
            if isinstance(error, OutputError):
                raise
            raise OutputError(f"{self.path}: cannot be written to ({error.strerror})") from error
        self._sweep()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.close()

    def cell(self, key: str) -> dict[str, Any] | None:
        """Return the document of a finished cell, or None where it is to be run."""
        try:
            document = json.loads(self._cell(key).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError):  # a damaged disk; the cell can be had again
            return None
        complete = isinstance(document, dict) and {"key", "outcome", "cost"} <= set(document)
        return document if complete else None

    def keep(self, key: str, document: dict[str, Any]) -> None:
        """Store the document of a finished cell, all of it or nothing."""
        self.write(f"cells/{key}.json", json.dumps(document, indent=1, allow_nan=False) + "\n")

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the results, in place of an older one."""
        path = self.path / name
        data = content.encode() if isinstance(content, str) else content
        write_whole(path, data, overwrite=True)
        return path

    def _cell(self, key: str) -> Path:
        return self.path / "cells" / f"{key}.json"

    def _sweep(self) -> None:
        """Put in order what a killed process left."""
        for folder in (self.path, *(self.path / part for part in PARTS)):
            sweep(folder)


def _take(file: int, folder: Path) -> None:
    """Take the lock that the system frees when this process ends, however it ends."""
    if not take(file):
        raise OutputError(
            f"{folder}: another had bench is at work here; wait for it or choose another folder"
        )
