"""Which score map belongs to which scene, where a report is to have several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from had_cli.errors import SceneError, UsageError
from had_cli.files import is_store
from had_cli.scenes.folders import is_folder, scenes_below, scenes_in
from had_cli.scenes.open import open_source
from had_cli.scenes.source import stem

_MASK = "had_threshold"  # the tag that a mask has and a score map has not


@dataclass(frozen=True, slots=True)
class Pair:
    """A scene and one of its score maps."""

    scene: str
    scores: str


def pairs_of(what: Sequence[str], *, recursive: bool = False) -> tuple[list[Pair], list[str]]:
    """Return scenes with their maps, and a line for everything that was passed over.

    Parameters
    ----------
    what
        ``SCENE SCORES SCENE SCORES ...``; or two, of which one or both are folders. Of a folder of maps,
        each goes to the scene that its tags name, or to none.
    recursive
        Of a folder of scenes, take those in the folders below, too.

    Raises
    ------
    UsageError
        When they are no pairs, or one map is named twice.
    SceneError
        When a folder holds no scene, or no map of these scenes.
    """
    if len(what) % 2:
        raise UsageError(
            "had report takes a scene and its score map, several such pairs, a folder of scenes and one of "
            "their maps, or one folder that had bench has written"
        )
    if len(what) == 2 and any(map(is_folder, what)):
        return _matched(what[0], what[1], recursive=recursive)
    if recursive:
        raise UsageError("--recursive is for a folder of scenes and one of their maps")
    found = [Pair(scene, scores) for scene, scores in zip(what[::2], what[1::2], strict=True)]
    twice = next((p.scores for i, p in enumerate(found) if p.scores in {q.scores for q in found[:i]}), None)
    if twice is not None:
        raise UsageError(f"{twice} is named twice")
    for path in what:
        if is_folder(path):
            raise UsageError(f"{path}: is a folder; with folders, give one of scenes and one of their maps")
    return found, []


def _matched(scenes: str, maps: str, *, recursive: bool) -> tuple[list[Pair], list[str]]:
    known, notes, _ = scenes_below([scenes], recursive=recursive)
    files = scenes_in(Path(maps)) if is_folder(maps) else [maps]
    found: list[Pair] = []
    passed: list[str] = []
    for file in files:
        name = _made_of(file)
        fitting = [scene for scene in known if Path(scene).name == name]
        fitting = fitting or [scene for scene in known if name and stem(scene) == stem(name)]
        if len(fitting) > 1:  # called alike: had detect puts the name of the folder before that of the map
            fitting = [s for s in fitting if Path(file).name.startswith(f"{Path(s).parent.name}_{stem(s)}_")]
            if len(fitting) != 1:
                notes.append(f"{file}: is passed over, for several of the scenes are called {name}")
                continue
        if len(fitting) == 1:
            found.append(Pair(fitting[0], file))
        elif not _is_one_of(file, known):
            passed.append(Path(file).name)
    if not found:
        raise SceneError(
            f"{maps}: holds no score map that had detect made of {scenes}; name pairs instead: "
            "SCENE SCORES SCENE SCORES ..."
        )
    if passed:
        names = ", ".join(passed[:3]) + (" and others" if len(passed) > 3 else "")
        notes.append(
            f"{maps}: {len(passed)} files that are no score maps of these scenes are passed over ({names})"
        )
    return found, notes


def _is_one_of(file: str, scenes: Sequence[str]) -> bool:
    """Tell whether a file is one of the scenes themselves, which may lie beside their maps."""
    return any(Path(file).samefile(scene) for scene in scenes if Path(scene).exists())


def _made_of(file: str) -> str | None:
    """Return the name of the scene that a score map was made of; None where it is no map, or does not say."""
    if Path(file).is_dir() and not is_store(Path(file)):
        return None
    try:
        source = open_source(file, {})
    except SceneError:
        return None
    try:
        tags = source.info.tags or {}
        return tags.get("had_scene") if source.info.shape[2] == 1 and _MASK not in tags else None
    finally:
        source.close()
