"""Recipes: the scenes of a public benchmark, picked from what lies in the folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from had_cli.bench.cases import Case, Skipped
from had_cli.errors import SceneError, UsageError

_ABU = tuple(
    f"abu-{kind}-{number}"
    for kind, count in (("airport", 4), ("beach", 4), ("urban", 5))
    for number in range(1, count + 1)
)
# scenes by recipe; None: by the layout of its folders
RECIPES: Mapping[str, tuple[str, ...] | None] = {
    "abu": _ABU,
    "san-diego": ("san-diego",),
    "hydice": ("hydice",),
    "had100": None,
}


@dataclass(frozen=True, kw_only=True)
class Picked:
    """The scenes that a recipe takes, those passed over, and what is to be said, one line each."""

    cases: list[Case]
    skipped: list[Skipped]
    notes: list[str]


def check_recipe(name: str | None) -> None:
    """Refuse a recipe that there is not.

    Raises
    ------
    UsageError
        When ``name`` is neither None nor one of :data:`RECIPES`.
    """
    if name is not None and name not in RECIPES:
        raise UsageError(f"--recipe takes one of {', '.join(RECIPES)}, not {name!r}")


def pick(name: str, cases: Sequence[Case], skipped: Sequence[Skipped]) -> Picked:
    """Return what the recipe ``name`` takes of ``cases``.

    Raises
    ------
    SceneError
        When nothing is left.
    """
    wanted = RECIPES[name]
    taken = [
        case
        for case in cases
        if case.error is not None or (_in_had100(case) if wanted is None else case.benchmark in wanted)
    ]
    passed = [Skipped(case.path, f"no scene of {name}") for case in cases if case not in taken]
    if not any(case.error is None for case in taken):
        what = "test/SENSOR/NAME.npy" if wanted is None else ", ".join(wanted)
        raise SceneError(f"no scene of {name} among those named; it takes {what}")
    if wanted is None:
        notes = [f"{name}: {len(taken)} scenes by the layout of the folders; no hashes are on record"]
    else:
        missing = [scene for scene in wanted if scene not in {case.benchmark for case in taken}]
        notes = [f"{name}: not here, and not in the means: {', '.join(missing)}"] if missing else []
    return Picked(cases=taken, skipped=[*skipped, *passed], notes=notes)


def _in_had100(case: Case) -> bool:
    return Path(case.path).absolute().parent.parent.name == "test" and case.truth is not None
