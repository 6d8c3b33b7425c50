"""Telling whether a file is still the one a cell was computed from."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from had_cli.scenes.source import stem

# Beyond that, size and time of change stand for the content: hashing a flight line takes minutes.
HASHED_UP_TO = 2**28


def content_hash(path: Path) -> str:
    """Return the sha256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_hash(reference: str) -> str:
    """Return the sha256 of the Python files of the package that ``"package.module:function"`` lies in.

    The package is found and not imported. Nothing is hashed where it has no files, as in an archive.
    """
    found = importlib.util.find_spec(reference.partition(":")[0].partition(".")[0])
    if found is None:
        return ""
    folders = [Path(folder) for folder in found.submodule_search_locations or ()]
    files = [(file.relative_to(folder), file) for folder in folders for file in folder.rglob("*.py")]
    if not folders and found.origin is not None and Path(found.origin).is_file():
        files = [(Path(Path(found.origin).name), Path(found.origin))]
    total = hashlib.sha256()
    for name, file in sorted(files):
        total.update(f"{name.as_posix()} {content_hash(file)}\n".encode())
    return total.hexdigest()


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
