"""Telling whether a file is still the one a cell was computed from."""

from __future__ import annotations

import hashlib
from pathlib import Path

from had_cli.scenes.source import stem

# Beyond that, size and time of change stand for the content: hashing a flight line takes minutes.
HASHED_UP_TO = 2**28


def content_hash(path: Path) -> str:
    """Return the sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fingerprint(path: str) -> str:
    """Return a text that changes when the scene, truth or mask at ``path`` does.

    It covers the file and what stands beside it under the same name (an ENVI header's data, sidecars),
    by content up to 256 MiB a file and by size and time of change beyond; not the folder they are in.
    Of a URL it covers the text alone.
    """
    file = Path(path)
    if not file.exists():
        return hashlib.sha256(path.encode()).hexdigest()
    name = stem(path)
    parts = sorted(
        other
        for other in file.parent.iterdir()
        if other.is_file() and (other.name == name or other.name.startswith(name + "."))
    )
    if file.is_dir():  # a store of many files
        parts += sorted(other for other in file.rglob("*") if other.is_file())
    total = hashlib.sha256(file.name.encode())
    for part in parts:
        found = part.stat()
        content = content_hash(part) if found.st_size <= HASHED_UP_TO else f"{found.st_mtime_ns}"
        total.update(f"\n{part.name} {found.st_size} {content}".encode())
    return total.hexdigest()
