"""Running a bench: which cells are done, which are to be run, and one after the other."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from had_cli import host
from had_cli._version import __version__
from had_cli.bench.cases import Case, find_cases
from had_cli.bench.clock import Clock
from had_cli.bench.configurations import Configuration
from had_cli.bench.fingerprints import fingerprint
from had_cli.bench.folder import BenchFolder
from had_cli.bench.process import run_job
from had_cli.bench.results import BenchResults, Cell, assemble
from had_cli.devices import choose_device

Progress = Callable[[str, float], None]


def _silence(_line: str) -> None:
    """Say nothing."""


@contextlib.contextmanager
def _no_progress(_title: str) -> Any:
    yield lambda _label, _fraction: None


@dataclass(frozen=True, kw_only=True)
class Voice:
    """Whom a bench talks to: notes, warnings and failures in one line each, and progress within a cell."""

    note: Callable[[str], None] = _silence
    warn: Callable[[str], None] = _silence
    fail: Callable[[str], None] = _silence
    progress: Callable[[str], AbstractContextManager[Progress]] = _no_progress


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What all cells share; values as for :func:`had_cli.open_scene` and :func:`had_cli.detect`."""

    variable: str | None = None
    truth_variable: str | None = None
    bands: str | None = None
    exclude_bands: str | None = None
    window: tuple[int, int, int, int] | None = None
    mask: str | None = None
    device: str = "auto"
    engine: str = "auto"
    memory: str | None = None
    seed: int = 0

    @property
    def selection(self) -> dict[str, Any]:
        """The options of :func:`had_cli.open_scene`."""
        names = ("variable", "truth_variable", "bands", "exclude_bands", "window", "mask")
        return {name: getattr(self, name) for name in names}

    @property
    def running(self) -> dict[str, Any]:
        """The options of :func:`had_cli.detect`."""
        return {name: getattr(self, name) for name in ("device", "engine", "memory", "seed")}


@dataclass(frozen=True, kw_only=True)
class _Plan:
    """One cell to be: its key is everything that its result depends on."""

    case: Case
    configuration: Configuration
    key: Mapping[str, Any]
    keep_map: bool = field(repr=False)

    @property
    def title(self) -> str:
        return f"{self.case.name}, {self.configuration.label}"

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps(self.key, sort_keys=True).encode()).hexdigest()[:32]

    @property
    def map(self) -> str | None:
        """The score map's place in the folder; its name changes with the key, so none is ever stale."""
        if not self.keep_map:
            return None
        return f"maps/{self.case.name}_{self.configuration.label}_{self.hash[:8]}.tif"

    @property
    def size(self) -> int:
        """Pixels times bands."""
        return int(np.prod(self.case.shape or (1,), dtype=np.int64))


def run_bench(
    scenes: Sequence[str],
    configurations: Sequence[Configuration],
    folder: str | Path,
    *,
    truth: str | None = None,
    conditions: Conditions | None = None,
    keep_maps: bool = False,
    rerun: bool = False,
    voice: Voice | None = None,
    show_errors: bool = False,
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
    show_errors
        Pass on what the cells' processes write to standard error, tracebacks included.

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
    from had_cli.engine.memory import memory_budget

    memory_budget(conditions.memory)  # only to refuse what is no size before anything is run
    cases, skipped = find_cases(
        scenes, truth=truth, variable=conditions.variable, truth_variable=conditions.truth_variable
    )
    for item in skipped:
        voice.note(f"{item.path}: skipped, {item.reason}")
    for case in cases:
        for note in case.notes:
            voice.note(f"{case.path}: {note}")
    kind = device.partition(":")[0]
    plans = [
        _Plan(
            case=case,
            configuration=configuration,
            key=_key(case, configuration, conditions, kind),
            keep_map=keep_maps,
        )
        for case in cases
        for configuration in configurations
    ]
    with BenchFolder(folder) as store:
        cells = _run(plans, store, conditions, voice, rerun=rerun, show_errors=show_errors)
        shared = {"device": kind, **_without(conditions.running, "device"), "selection": conditions.selection}
        found = assemble(cases, skipped, configurations, cells, shared)
        for name, text in found.files().items():
            store.write(name, text)
        from had_cli.bench.tables import csv, markdown, timings_csv

        store.write("results.csv", csv(found))
        store.write("timings.csv", timings_csv(found))
        store.write("results.md", markdown(found))
    return found


def _key(case: Case, configuration: Configuration, conditions: Conditions, kind: str) -> dict[str, Any]:
    return {
        "had": __version__,
        "metrics": sorted(host.metrics()),
        "scene": case.fingerprint,
        "channel": None if case.truth is None else case.truth.channel,
        "selection": {
            **conditions.selection,
            "mask": None if conditions.mask is None else fingerprint(conditions.mask),
        },
        "method": configuration.method,
        "plugin": configuration.plugin,
        "parameters": configuration.plain_parameters(),
        "files": dict(configuration.files),
        "weights_sha256": configuration.weights_hash,
        **conditions.running,
        "device": kind,
    }


def _run(
    plans: Sequence[_Plan],
    store: BenchFolder,
    conditions: Conditions,
    voice: Voice,
    *,
    rerun: bool,
    show_errors: bool,
) -> list[Cell]:
    """Return the cells of all plans, running what is not done."""
    done = {} if rerun else {plan.hash: store.cell(plan.hash) for plan in plans}

    def finished(plan: _Plan) -> bool:
        there = plan.map is None or (store.path / plan.map).is_file()
        return done.get(plan.hash) is not None and there

    waiting = [plan for plan in plans if plan.case.error is None and not finished(plan)]
    kept = sum(plan.case.error is None for plan in plans) - len(waiting)
    if kept:
        voice.note(f"{store.path}: {kept} of {len(plans)} cells are done already")
    clock = Clock([(plan.configuration.label, plan.size) for plan in waiting])
    cells: list[Cell] = []
    told: set[str] = set()
    for plan in plans:
        cell = Cell(scene=plan.case.name, label=plan.configuration.label, error=plan.case.error)
        if plan.case.error is not None:
            if plan.case.name not in told:
                voice.fail(f"{plan.case.name}: {plan.case.error}")
                told.add(plan.case.name)
        elif finished(plan):
            document = done[plan.hash]
            assert document is not None  # noqa: S101 - finished
            cell = dataclasses.replace(cell, outcome=document["outcome"], cost=document["cost"], map=plan.map)
        else:
            count = f"[{len(clock.passed) + 1}/{len(waiting)}] {plan.title}"
            start = time.perf_counter()
            with voice.progress(count) as progress:
                last = run_job(_job(plan, store, conditions), progress, show_errors=show_errors)
            clock.tick(time.perf_counter() - start)
            if "error" in last:
                voice.fail(f"{plan.title}: {last['error']}")
                cell = dataclasses.replace(cell, error=last["error"])
            else:
                document = {"key": plan.key, "outcome": last["outcome"], "cost": last["cost"]}
                store.keep(plan.hash, document)
                done[plan.hash] = document
                cell = dataclasses.replace(cell, outcome=last["outcome"], cost=last["cost"], map=plan.map)
                _tell(count, plan, last, clock, voice)
        cells.append(cell)
    return cells


def _tell(count: str, plan: _Plan, last: Mapping[str, Any], clock: Clock, voice: Voice) -> None:
    auc, cost = last["outcome"]["metrics"].get("auc_df"), last["cost"]
    shown = "undefined" if auc is None else f"{auc:.4f}"
    memory = f"{cost['peak_memory'] / 2**20:.0f} MiB"
    voice.note(f"{count}: AUC(D,F) {shown}, {cost['seconds']:.2f} s, {memory}{clock.left()}")
    for warning in last["outcome"]["warnings"]:
        voice.warn(f"{plan.title}: {warning}")


def _job(plan: _Plan, store: BenchFolder, conditions: Conditions) -> dict[str, Any]:
    """Return the job of :mod:`had_cli.bench.child`."""
    truth, weights = plan.case.truth, plan.configuration.weights
    return {
        "scene": plan.case.path,
        "truth": None if truth is None else dataclasses.asdict(truth),
        "open": conditions.selection,
        "method": plan.configuration.method,
        "weights": None if weights is None else str(weights),
        "parameters": plan.configuration.plain_parameters(),
        "run": conditions.running,
        "map": None if plan.map is None else str(store.path / plan.map),
    }


def _without(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}
