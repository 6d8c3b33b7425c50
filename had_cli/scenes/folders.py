"""The scenes that a folder stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from had_cli.errors import SceneError
from had_cli.files import is_store
from had_cli.plugin import host
from had_cli.scenes.open import open_source
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


FEW = 5
"""Files of fewer bands in a folder are maps, masks and pictures; a scene of so few is to be named itself."""


def scenes_below(
    given: Iterable[str | Path], *, recursive: bool = False
) -> tuple[list[str], list[str], bool]:
    """Return scenes to detect in, with those of its folder in place of each folder.

    Parameters
    ----------
    recursive
        Those of the folders below as well; hidden ones are passed over.

    Returns
    -------
    scenes : as given, or below a folder as given, in the order of their names
    notes : a line for each folder with files that were passed over
    any_folder : whether a folder was given

    Raises
    ------
    SceneError
        When a folder holds none.
    """
    scenes: list[str] = []
    notes: list[str] = []
    any_folder = False
    for path in given:
        folder = Path(path)
        if not folder.is_dir() or _is_recognised(folder):
            scenes.append(str(path))
            continue
        any_folder = True
        candidates = list(_candidates(folder, recursive=recursive))
        kept = [file for file in candidates if not _has_few_bands(file)]
        if few := [file.name for file in candidates if file not in kept]:
            names = ", ".join(few[:3]) + (" and others" if len(few) > 3 else "")
            notes.append(
                f"{path}: {len(few)} files of fewer than {FEW} bands are passed over ({names}); name them to "
                "have them as scenes"
            )
        if not kept:
            below = "" if recursive else "; --recursive looks into the folders below"
            raise SceneError(f"{path}: no scene lies in this folder{below}")
        scenes += [str(file) for file in kept]
    return scenes, notes, any_folder


def _candidates(folder: Path, *, recursive: bool) -> Iterator[Path]:
    """Yield what readers claim: files by suffix, and files and folders that they recognise."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.is_dir():
            if _is_recognised(path):
                yield path
            elif recursive and not path.is_symlink():  # which may lead back here
                yield from _candidates(path, recursive=True)
        elif path.is_file() and not is_truth_file(path) and _is_claimed(path):
            yield path


def _is_claimed(path: Path) -> bool:
    """Tell whether a reader takes a file for its suffix alone, or recognises it."""
    fitting = [reader for reader in host.readers().values() if path.suffix.lower() in reader.suffixes]
    return any(not reader.recognise for reader in fitting) or _is_recognised(path)


def _is_recognised(path: Path) -> bool:
    return any(
        reader.recognise
        and path.suffix.lower() in reader.suffixes
        and host.resolve(reader.recognise)(str(path))
        for reader in host.readers().values()
    )


def _has_few_bands(path: Path) -> bool:
    """Tell whether a file is none of a scene; one that cannot be opened is kept, so that it is reported."""
    try:
        source = open_source(path, {})
    except SceneError:
        return False
    try:
        return source.info.shape[2] < FEW
    finally:
        source.close()
