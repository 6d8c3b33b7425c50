"""Running a bench: which cells are done, which are to be run, and one after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from had_cli.bench.cases import Case, Skipped, find_cases
from had_cli.bench.clock import Clock
from had_cli.bench.configurations import Configuration
from had_cli.bench.folder import FILES, BenchFolder
from had_cli.bench.plan import Conditions, Plan, plan
from had_cli.bench.process import run_job
from had_cli.bench.recipes import check_recipe, pick
from had_cli.bench.repeats import Cell, combined
from had_cli.bench.replacing import replaced
from had_cli.bench.results import BenchResults, assemble, uneven_scenes
from had_cli.bench.trained import MARK
from had_cli.engine.devices import choose_device
from had_cli.files import write_whole
from had_cli.scenes.inputs import refuse_inputs

if TYPE_CHECKING:
    from had_cli.engine.cluster.cluster import Cluster

Progress = Callable[[str, float], None]
Ended = tuple[Plan, dict[str, Any], str]  # a cell, its last message, and what to say of the time left


def _silence(_line: str) -> None:
    """Say nothing."""


@contextlib.contextmanager
def _no_progress(_title: str) -> Any:
    yield lambda _label, _fraction: None


@dataclass(frozen=True, kw_only=True)
class Voice:
    """Whom a bench talks to: notes, warnings and failures in one line each, and progress."""

    note: Callable[[str], None] = _silence
    warn: Callable[[str], None] = _silence
    fail: Callable[[str], None] = _silence
    progress: Callable[[str], AbstractContextManager[Progress]] = _no_progress
    cells: Callable[[int, int], None] = lambda _done, _total: None


def run_bench(
    scenes: Sequence[str],
    configurations: Sequence[Configuration],
    folder: str | Path,
    *,
    truth: str | None = None,
    conditions: Conditions | None = None,
    keep_maps: bool = False,
    rerun: bool = False,
    repeats: int = 1,
    recipe: str | None = None,
    voice: Voice | None = None,
    show_errors: bool = False,
    cluster: Cluster | None = None,
) -> BenchResults:
    """Judge every configuration on every scene and write what came of it into ``folder``.

    Cells that an earlier run finished are taken from the folder, unless something they depend on has
    changed; those that failed are run again.

    Parameters
    ----------
    scenes
        Files, or folders of them; see :func:`had_cli.bench.cases.find_cases`.
    truth
        A file, where there is one scene.
    keep_maps
        Keep the score maps as GeoTIFF in ``maps/``.
    rerun
        Run finished cells as well.
    repeats
        Run every cell with so many seeds, from that of the conditions on; figures are the means.
    recipe
        A public benchmark (:mod:`had_cli.bench.recipes`); other scenes are passed over.
    show_errors
        Pass on what the cells' processes write to standard error, tracebacks included.
    cluster
        Whose workers run the cells, several at a time (:func:`had_cli.engine.cluster.connecting.connected`);
        default: this machine runs them one after the other.

    Raises
    ------
    UsageError, DeviceError
        When a value given makes no sense.
    SceneError
        When there is no scene with a truth.
    OutputError
        When the folder is not a bench's or cannot be written to.
    """
    conditions, voice = conditions or Conditions(), voice or Voice()
    device = choose_device(conditions.device)
    check_recipe(recipe)
    from had_cli.engine.memory import memory_budget

    memory_budget(conditions.memory)  # only to refuse what is no size before anything is run
    cases, skipped = _listed(scenes, truth, conditions, recipe, voice)
    read = [
        *(("a scene of the bench", case.path) for case in cases),
        *(("the truth", case.truth.path) for case in cases if case.truth is not None),
        ("the mask", conditions.mask),
        *(("weights of the bench", configuration.weights) for configuration in configurations),
    ]
    for name in FILES:
        refuse_inputs(Path(folder) / name, read)
    kind = device.partition(":")[0]
    plans = plan(cases, configurations, conditions, kind, keep_maps=keep_maps, repeats=repeats)
    with BenchFolder(folder) as store:
        single = _run(plans, store, conditions, voice, rerun=rerun, show_errors=show_errors, cluster=cluster)
        seeds = range(conditions.seed, conditions.seed + repeats)
        cells = [combined(single[i : i + repeats], seeds) for i in range(0, len(single), repeats)]
        _warn_of(cells, voice)
        shared = {"device": kind, **_without(conditions.running, "device"), "selection": conditions.selection}
        found = assemble(cases, skipped, configurations, cells, {**shared, "repeats": repeats})
        for line in replaced(store.path, found):
            voice.warn(line)
        _write(store, found)
    return found


def _listed(
    scenes: Sequence[str], truth: str | None, conditions: Conditions, recipe: str | None, voice: Voice
) -> tuple[list[Case], list[Skipped]]:
    """Return the scenes to bench and those passed over, and say what was decided about them."""
    cases, skipped = find_cases(
        scenes, truth=truth, variable=conditions.variable, truth_variable=conditions.truth_variable
    )
    if recipe is not None:
        picked = pick(recipe, cases, skipped)
        cases, skipped = picked.cases, picked.skipped
        for line in picked.notes:
            voice.note(line)
    for item in skipped:
        voice.note(f"{item.path}: skipped, {item.reason}")
    for case in cases:
        for note in case.notes:
            voice.note(f"{case.path}: {note}")
    return cases, skipped


def _warn_of(cells: Sequence[Cell], voice: Voice) -> None:
    """Say which figures mean less than they seem to."""
    for cell in cells:
        how = (cell.outcome or {}).get("trained_on")
        if how is not None:
            title = f"{cell.scene}, {cell.label}"
            voice.warn(f"{title}: {MARK} the weights were trained on this scene (by its {how})")
    for scene, over in uneven_scenes(cells).items():
        voice.warn(f"{scene}: configurations are judged over different pixels ({over}); not in the means")


def _write(store: BenchFolder, found: BenchResults) -> None:
    from had_cli.bench.latex import latex
    from had_cli.bench.markdown import markdown
    from had_cli.bench.tables import csv, timings_csv

    for name, text in found.files().items():
        store.write(name, text)
    for name, write in (
        ("results.csv", csv),
        ("timings.csv", timings_csv),
        ("results.md", markdown),
        ("results.tex", latex),
    ):
        store.write(name, write(found))


def _run(
    plans: Sequence[Plan],
    store: BenchFolder,
    conditions: Conditions,
    voice: Voice,
    *,
    rerun: bool,
    show_errors: bool,
    cluster: Cluster | None,
) -> list[Cell]:
    """Return the cells of all plans, running what is not done."""
    done = {} if rerun else {wanted.hash: store.cell(wanted.hash) for wanted in plans}

    def finished(wanted: Plan) -> bool:
        there = wanted.map is None or (store.path / wanted.map).is_file()
        return done.get(wanted.hash) is not None and there

    missing = [wanted for wanted in plans if wanted.case.error is None and not finished(wanted)]
    kept = sum(wanted.case.error is None for wanted in plans) - len(missing)
    # a cell may stand under two labels
    waiting = list({(wanted.hash, wanted.map): wanted for wanted in reversed(missing)}.values())[::-1]
    if kept:
        voice.note(f"{store.path}: {kept} of {len(plans)} cells are done already")
    for name, error in {wanted.case.name: wanted.case.error for wanted in plans}.items():
        if error is not None:
            voice.fail(f"{name}: {error}")
    if cluster is None:
        ended = _one_by_one(waiting, store, conditions, voice, show_errors=show_errors)
    else:
        ended = _side_by_side(waiting, store, conditions, cluster)
    errors: dict[str, str] = {}
    voice.cells(0, len(waiting))
    for number, (wanted, last, left) in enumerate(ended, start=1):
        voice.cells(number, len(waiting))
        if "error" in last:
            voice.fail(f"{wanted.title}: {last['error']}")
            errors[wanted.hash] = last["error"]
            continue
        document = {"key": wanted.key, "outcome": last["outcome"], "cost": last["cost"]}
        store.keep(wanted.hash, document)
        done[wanted.hash] = document
        _report_cell(f"[{number}/{len(waiting)}] {wanted.title}", wanted, last, left, voice)
    return [_cell(wanted, errors.get(wanted.hash), done.get(wanted.hash)) for wanted in plans]


def _cell(wanted: Plan, error: str | None, document: Mapping[str, Any] | None) -> Cell:
    error = wanted.case.error or error
    cell = Cell(scene=wanted.case.name, label=wanted.configuration.label, error=error)
    if error is not None:
        return cell
    assert document is not None  # noqa: S101 - finished
    return dataclasses.replace(cell, outcome=document["outcome"], cost=document["cost"], map=wanted.map)


def _one_by_one(
    waiting: Sequence[Plan], store: BenchFolder, conditions: Conditions, voice: Voice, *, show_errors: bool
) -> Iterator[Ended]:
    """Yield the cells run one after the other, so that each has the machine to itself."""
    clock = Clock([(wanted.configuration.label, wanted.size) for wanted in waiting])
    for number, wanted in enumerate(waiting, start=1):
        start = time.perf_counter()
        with voice.progress(f"[{number}/{len(waiting)}] {wanted.title}") as progress:
            last = run_job(wanted.job(store.path, conditions), progress, show_errors=show_errors)
        clock.tick(time.perf_counter() - start)
        yield wanted, last, clock.left()


def _side_by_side(
    waiting: Sequence[Plan], store: BenchFolder, conditions: Conditions, cluster: Cluster
) -> Iterator[Ended]:
    """Yield the cells as workers have run them."""
    from had_cli.bench.spread import spread

    jobs = ((wanted, wanted.job(store.path, conditions)) for wanted in waiting)
    for wanted, last in spread(cluster, jobs):
        if "map" in last:
            assert wanted.map is not None  # noqa: S101 - it was asked for
            write_whole(store.path / wanted.map, last["map"], overwrite=True)
        yield wanted, last, ""


def _report_cell(count: str, wanted: Plan, last: Mapping[str, Any], left: str, voice: Voice) -> None:
    auc, cost = last["outcome"]["metrics"].get("auc_df"), last["cost"]
    shown = "undefined" if auc is None else f"{auc:.4f}"
    memory = f"{cost['peak_memory'] / 2**20:.0f} MiB"
    voice.note(f"{count}: AUC(D,F) {shown}, {cost['seconds']:.2f} s, {memory}{left}")
    for warning in last["outcome"]["warnings"]:
        voice.warn(f"{wanted.title}: {warning}")


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
