"""Entry points of one group, read from the metadata of installed distributions.

:mod:`importlib.metadata` does the same, but importing it costs 10 ms and asking it 5 more: a fifth of
the whole of ``had plugins``. Where every distribution lies in a plain folder of ``sys.path``, as pip and
its like install them, the few files are read here; for anything else the standard library is asked.
"""

from __future__ import annotations

import importlib
import os
import sys
from functools import reduce
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, NamedTuple

_SUFFIXES = (".dist-info", ".egg-info")


class Entry(NamedTuple):
    """An entry point, with the distribution that declares it."""

    name: str
    value: str
    distribution: str
    version: str

    def load(self) -> Any:
        """Import what the entry point refers to.

        Raises
        ------
        ImportError, AttributeError, ...
            Whatever importing it raises.
        """
        module, _, attribute = (
            self.value.partition("[")[0].replace(" ", "").partition(":")
        )  # [extras] are history
        return reduce(getattr, attribute.split(".") if attribute else (), importlib.import_module(module))


def entries(group: str) -> list[Entry]:
    """Return the entry points of ``group``; of a distribution found twice, the first on the path counts."""
    folders = _plain_folders()
    return _by_library(group) if folders is None else _by_files(group, folders)


def _plain_folders() -> list[Path] | None:
    """Return the folders of ``sys.path``, or None where distributions may lie elsewhere."""
    if any(hasattr(finder, "find_distributions") and finder is not PathFinder for finder in sys.meta_path):
        return None
    folders = [folder for folder in map(Path, sys.path) if folder.exists()]
    # a file is a zip archive; an egg holds its metadata in a way of its own
    return folders if all(f.is_dir() and f.suffix != ".egg" for f in folders) else None


def _by_files(group: str, folders: list[Path]) -> list[Entry]:
    found, seen = [], set()
    for folder in folders:
        try:
            names = sorted(os.listdir(folder))  # noqa: PTH208 - a Path for each of some hundred takes longer
        except OSError:  # importing from a folder that cannot be listed works no better
            continue
        for name in names:
            if not name.endswith(_SUFFIXES):
                continue
            key = name.rpartition(".")[0].partition("-")[0].replace(".", "_").lower()
            if key not in seen:
                seen.add(key)
                found += _of_distribution(group, f"{folder}/{name}")
    return found


def _of_distribution(group: str, folder: str) -> list[Entry]:
    try:
        with open(f"{folder}/entry_points.txt", "rb") as file:  # noqa: PTH123 - a Path takes as long as the file
            raw = file.read()
        if f"[{group}]".encode() not in raw:
            return []
        text = raw.decode()
    except (OSError, UnicodeDecodeError):  # most distributions have none
        return []
    pairs, section = [], ""
    for line in map(str.strip, text.splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif section == group and line and not line.startswith("#"):
            name, _, value = line.partition("=")
            pairs.append((name.strip(), value.strip()))
    distribution, version = _name_and_version(Path(folder))
    return [Entry(name, value, distribution, version) for name, value in pairs]


def _name_and_version(folder: Path) -> tuple[str, str]:
    """Return the fields of METADATA (PKG-INFO in an .egg-info), else what the folder's name says."""
    fields: dict[str, str] = {}
    metadata = folder / ("METADATA" if folder.suffix == ".dist-info" else "PKG-INFO")
    try:
        with metadata.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if not line.strip():  # the long description begins
                    break
                key, _, value = line.partition(":")
                fields.setdefault(key.lower(), value.strip())
    except OSError:
        pass  # a damaged installation; the plugin may work all the same
    name, _, version = folder.stem.partition("-")
    return fields.get("name") or name, fields.get("version") or version or "unknown"


def _by_library(group: str) -> list[Entry]:
    from importlib.metadata import entry_points

    found = []
    for entry in entry_points(group=group):
        name = version = "unknown"
        if entry.dist is not None:
            name, version = _named(entry.dist)
        found.append(Entry(entry.name, entry.value, name, version))
    return found


def _named(distribution: Any) -> tuple[str, str]:
    """Return the name and the version of a distribution, from its folder where it has no metadata."""
    try:
        fields = distribution.metadata
    except FileNotFoundError:  # so the backport importlib_metadata, which stands in once it is imported
        fields = {}
    folder = Path(str(getattr(distribution, "_path", "unknown")))
    name, _, version = folder.stem.partition("-")
    return fields.get("Name") or name, fields.get("Version") or version or "unknown"
