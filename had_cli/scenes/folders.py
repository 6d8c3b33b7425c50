"""The scenes that a folder stands for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from had_cli.errors import SceneError
from had_cli.files import is_store
from had_cli.plugin import host
from had_cli.scenes.source import stem

TRUTH_SUFFIX = "_gt"


def is_truth_file(path: Path) -> bool:
    """Tell whether ``path`` is called like the truth of a scene: ``NAME_gt.*``."""
    return stem(str(path)).lower().endswith(TRUTH_SUFFIX)


def reader_suffixes() -> frozenset[str]:
    """Return the suffixes that readers claim."""
    return frozenset(suffix for reader in host.readers().values() for suffix in reader.suffixes)


def is_folder(path: str | Path) -> bool:
    """Tell whether ``path`` is a folder of scenes, and no store that is a scene itself."""
    return Path(path).is_dir() and not is_store(Path(path))


def scenes_in(folder: Path) -> list[str]:
    """Return the files of a folder that a reader claims by suffix and that are not called like a truth."""
    known = reader_suffixes()
    return [
        str(file)
        for file in sorted(folder.iterdir())
        if (file.is_file() or is_store(file)) and file.suffix.lower() in known and not is_truth_file(file)
    ]


def training_scenes(given: Iterable[str | Path]) -> list[str]:
    """Return scenes to train on, with those of its folder in place of each folder.

    A folder with the layout of HAD100 stands for the scenes in ``train/*/``, any other for the scenes in
    itself.

    Raises
    ------
    SceneError
        When a folder holds none.
    """
    found: list[str] = []
    for path in given:
        folder = Path(path)
        if not is_folder(folder):
            found.append(str(path))
            continue
        parts = sorted(sensor for sensor in (folder / "train").glob("*") if sensor.is_dir())
        scenes = [scene for part in parts or [folder] for scene in scenes_in(part)]
        if not scenes:
            raise SceneError(
                f"{path}: no scene lies in this folder; name one with scenes, or its train/SENSOR"
            )
        found += scenes
    return found
