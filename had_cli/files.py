"""Small files written whole or not at all, and never over something else by accident."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from had_cli.errors import OutputError, OutputExistsError


def refuse_existing(path: Path, *, overwrite: bool) -> None:
    """Check before any work that ``path`` may be written.

    Raises
    ------
    OutputExistsError
        When it exists and ``overwrite`` is false.
    OutputError
        When it is a folder, or its own folder is missing.
    """
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    if os.path.lexists(path) and not overwrite:
        raise OutputExistsError(f"{path}: exists already; give --overwrite or another name")
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; create it first")


def printable(path: str | Path) -> str:
    """Return a path as text that can be encoded: what is not valid UTF-8 in it becomes a sign."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def write_whole(path: Path, content: bytes, *, overwrite: bool = False) -> None:
    """Write ``content`` under a temporary name beside ``path`` and rename it when complete.

    Raises
    ------
    OutputExistsError, OutputError
        As :func:`refuse_existing`, and when the system refuses.
    """
    refuse_existing(path, overwrite=overwrite)
    try:
        # a folder, so that the file itself is made with the permissions that the user's umask asks for
        with tempfile.TemporaryDirectory(prefix=f".{path.name[:32]}.", dir=path.parent) as folder:
            temporary = Path(folder, path.name)
            temporary.write_bytes(content)
            refuse_existing(path, overwrite=overwrite)
            temporary.replace(path)
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
