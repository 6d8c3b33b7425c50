"""Which scenes are benched: those named, and those found in folders, each with its truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from had_cli.bench.copies import identify
from had_cli.bench.fingerprints import fingerprint
from had_cli.bench.truths import TruthFile, truth_beside
from had_cli.errors import HadError, SceneError, UsageError
from had_cli.scenes.folders import is_folder, reader_suffixes, scenes_in
from had_cli.scenes.open import open_scene
from had_cli.scenes.source import stem


@dataclass(frozen=True, kw_only=True)
class Case:
    """A scene and where its truth is.

    Attributes
    ----------
    name : unique in the bench
    path : as given, or below a folder as given
    truth : a file, or None where the scene carries its own
    shape : (rows, cols, bands) of the whole scene; None where ``error`` says why it cannot be benched
    fingerprint : changes when the scene or its truth does
    notes : what was decided about it, one line each
    benchmark, copy : the name that a public benchmark has for it, and which copy it is, where known
    """

    name: str
    path: str
    truth: TruthFile | None = None
    shape: tuple[int, int, int] | None = None
    fingerprint: str = ""
    notes: tuple[str, ...] = ()
    error: str | None = None
    benchmark: str | None = None
    copy: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``results.json``."""
        rows, cols, bands = self.shape or (None, None, None)
        return {
            "name": self.name,
            "path": self.path,
            "truth": None if self.error else ("own" if self.truth is None else self.truth.path),
            "rows": rows,
            "cols": cols,
            "bands": bands,
            "fingerprint": self.fingerprint or None,
            "notes": list(self.notes),
            "error": self.error,
            "benchmark": self.benchmark,
            "copy": self.copy,
        }


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file in a folder that is not benched, and why."""

    path: str
    reason: str


def find_cases(
    given: Sequence[str],
    *,
    truth: str | None = None,
    variable: str | None = None,
    truth_variable: str | None = None,
) -> tuple[list[Case], list[Skipped]]:
    """Return the scenes to bench and the files that were passed over.

    A folder stands for the scenes in it, in the order of their names; one with the layout of HAD100 for
    the scenes in ``test/*/``. A scene in a folder without a truth is passed over, one that was named
    comes with an error.

    Raises
    ------
    UsageError
        When ``truth`` is given for more than one scene, or a scene is named twice.
    SceneError
        When nothing is left.
    """
    if truth is not None and (len(given) != 1 or is_folder(given[0])):
        raise UsageError("--truth goes with one scene; beside several, put NAME_gt.* for NAME.*")
    paths: list[tuple[str, bool]] = []
    for text in given:
        if is_folder(text):
            paths += [(path, True) for path in _scenes_in(Path(text))]
        else:
            paths.append((text, False))
    twice = [path for path, count in Counter(str(Path(path)) for path, _ in paths).items() if count > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named twice")
    cases: list[Case] = []
    skipped: list[Skipped] = []
    for (path, listed), name in zip(paths, unique_names([path for path, _ in paths]), strict=True):
        known = None if truth is None else TruthFile(path=truth)
        found = _case(name, path, known, variable, truth_variable)
        if found is None and listed:
            skipped.append(Skipped(path, "carries no truth, and there is no NAME_gt.* beside it"))
        elif found is None:
            error = f"{path}: has no truth; put NAME_gt.* beside it, or give --truth FILE"
            cases.append(Case(name=name, path=path, error=error))
        else:
            cases.append(found)
    if not cases:
        where = ", ".join(given)
        raise SceneError(f"{where}: no scene with a truth; put NAME_gt.* beside NAME.*, or name --truth FILE")
    return cases, skipped


def unique_names(paths: Sequence[str]) -> list[str]:
    """Return a name for each scene; those called alike get their suffix, else their folder, else a number."""
    plain = [stem(path) for path in paths]
    longer = [f"{name}_{Path(path).suffix.lstrip('.')}" for name, path in zip(plain, paths, strict=True)]
    longest = [f"{Path(path).parent.name}_{name}" for name, path in zip(longer, paths, strict=True)]
    for names in (plain, _where_alike(plain, longer), _where_alike(plain, longest)):
        if not _alike(names):
            return names
    return [f"{number}_{name}" for number, name in enumerate(plain, start=1)]


def _alike(names: Iterable[str]) -> set[str]:
    return {name for name, count in Counter(map(str.lower, names)).items() if count > 1}


def _where_alike(plain: Sequence[str], longer: Sequence[str]) -> list[str]:
    alike = _alike(plain)
    return [new if old.lower() in alike else old for old, new in zip(plain, longer, strict=True)]


def _scenes_in(folder: Path) -> list[str]:
    """Return the scenes of a folder; with the layout of HAD100 those in ``test/*/`` that have truths."""
    tests = sorted(
        sensor
        for sensor in (folder / "test").glob("*")
        if sensor.is_dir() and (folder / "ground_truth" / sensor.name).is_dir()
    )
    return [scene for part in tests or [folder] for scene in scenes_in(part)]


def _case(
    name: str, path: str, truth: TruthFile | None, variable: str | None, truth_variable: str | None
) -> Case | None:
    """Return the case of a scene, with an error where it cannot be opened; None where it has no truth."""
    try:
        if truth is None and truth_variable is None:
            truth = truth_beside(path, reader_suffixes())
        wanted = None if truth is not None else truth_variable
        with open_scene(path, variable=variable, truth_variable=wanted) as scene:
            info = scene.source.info
            if truth is None and info.truth is None:
                return None
            known = identify(scene, info.truth if truth is None else partial(truth.load, scene))
        own = " ".join(map(fingerprint, (path, *info.files)))
        prints = own, "own" if truth is None else fingerprint(truth.path)
    except HadError as error:
        return Case(name=name, path=path, error=" ".join(str(error).split()))
    notes = info.notes
    if truth is not None and info.truth is not None:
        notes = (*notes, f"the truth is {truth.path}; the one that the scene carries is not used")
    if known is not None:
        notes = (*notes, known.line)
    return Case(
        name=name,
        path=path,
        truth=truth,
        shape=info.shape,
        fingerprint=" ".join(prints),
        notes=notes,
        benchmark=None if known is None else known.scene,
        copy=None if known is None else known.line,
    )
