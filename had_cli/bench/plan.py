"""What is to be run: scenes by configurations under the conditions they share."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from had_cli._version import __version__
from had_cli.bench.cases import Case
from had_cli.bench.configurations import Configuration
from had_cli.bench.fingerprints import fingerprint
from had_cli.plugin import host


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What all cells share; values as for :func:`had_cli.open_scene` and :func:`had_cli.detect`."""

    variable: str | None = None
    truth_variable: str | None = None
    bands: str | None = None
    exclude_bands: str | None = None
    window: tuple[int, int, int, int] | None = None
    mask: str | None = None
    quality: str | None = None
    device: str = "auto"
    engine: str = "auto"
    memory: str | None = None
    seed: int = 0
    keep_constant_bands: bool = False

    @property
    def selection(self) -> dict[str, Any]:
        """The options of :func:`had_cli.open_scene`."""
        names = ("variable", "truth_variable", "bands", "exclude_bands", "window", "mask", "quality")
        return {name: getattr(self, name) for name in names}

    @property
    def running(self) -> dict[str, Any]:
        """The options of :func:`had_cli.detect`."""
        names = ("device", "engine", "memory", "seed", "keep_constant_bands")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One cell to be.

    Attributes
    ----------
    key : everything that the result depends on, as JSON values
    seed : of this repeat; alone : whether there is no other repeat
    """

    case: Case
    configuration: Configuration
    key: Mapping[str, Any]
    keep_map: bool = field(repr=False)
    seed: int = 0
    alone: bool = True

    @property
    def title(self) -> str:
        """The cell in words."""
        repeat = "" if self.alone else f", seed {self.seed}"
        return f"{self.case.name}, {self.configuration.label}{repeat}"

    @property
    def hash(self) -> str:
        """The name under which the cell is kept."""
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

    def job(self, folder: Path, conditions: Conditions) -> dict[str, Any]:
        """Return the job of :mod:`had_cli.bench.child`; the map goes into ``folder``."""
        truth, weights = self.case.truth, self.configuration.weights
        return {
            "scene": self.case.path,
            "truth": None if truth is None else dataclasses.asdict(truth),
            "open": conditions.selection,
            "method": self.configuration.method,
            "weights": None if weights is None else str(weights),
            "parameters": self.configuration.plain_parameters(),
            "run": {**conditions.running, "seed": self.seed},
            "map": None if self.map is None else str(folder / self.map),
        }


def plan(
    cases: Sequence[Case],
    configurations: Sequence[Configuration],
    conditions: Conditions,
    kind: str,
    *,
    keep_maps: bool,
    repeats: int = 1,
) -> list[Plan]:
    """Return the cells in the order of scenes, configurations and seeds; ``kind`` is that of the device.

    ``repeats`` cells that differ in the seed alone, which rises by one from the seed of the conditions.
    """
    return [
        Plan(
            case=case,
            configuration=configuration,
            key={**_key(case, configuration, conditions, kind), "seed": seed},
            keep_map=keep_maps,
            seed=seed,
            alone=repeats == 1,
        )
        for case in cases
        for configuration in configurations
        for seed in range(conditions.seed, conditions.seed + repeats)
    ]


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
        "code": configuration.code,
        "parameters": configuration.plain_parameters(),
        "files": dict(configuration.files),
        "weights_sha256": configuration.weights_hash,
        **conditions.running,
        "device": kind,
    }
