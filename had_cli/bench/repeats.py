"""Several runs of one cell that differ in the seed alone, as one."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One scene under one configuration: ``outcome`` and ``cost`` as its process told them, or ``error``.

    Attributes
    ----------
    repeats : where it ran with several seeds, for each its ``seed``, ``metrics`` and ``seconds``
    spread : by metric, the standard deviation over the repeats (divisor n - 1)
    """

    scene: str
    label: str
    outcome: Mapping[str, Any] | None = None
    cost: Mapping[str, Any] | None = None
    map: str | None = None
    error: str | None = None
    repeats: tuple[Mapping[str, Any], ...] = ()
    spread: Mapping[str, float] = dataclasses.field(default_factory=dict)


def combined(cells: Sequence[Cell], seeds: Sequence[int]) -> Cell:
    """Return the cell of several repeats: means of figures and seconds, the most of memory.

    Curves, separability and map are those of the first seed. A metric that one repeat leaves undefined is
    undefined; an error of one repeat is the cell's.
    """
    first = cells[0]
    if len(cells) == 1:
        return first
    for cell, seed in zip(cells, seeds, strict=True):
        if cell.error is not None:
            return Cell(scene=cell.scene, label=cell.label, error=f"seed {seed}: {cell.error}")
    outcomes = [cell.outcome or {} for cell in cells]
    costs = [cell.cost or {} for cell in cells]
    values = {
        name: [_number(outcome["metrics"].get(name)) for outcome in outcomes]
        for name in outcomes[0]["metrics"]
    }
    warnings = dict.fromkeys(warning for outcome in outcomes for warning in outcome["warnings"])
    cost = {
        **costs[0],
        "seconds": math.fsum(c["seconds"] for c in costs) / len(costs),
        **{name: _most(c[name] for c in costs) for name in ("peak_memory", "memory_before", "device_memory")},
    }
    return dataclasses.replace(
        first,
        outcome={
            **outcomes[0],
            "metrics": {name: math.fsum(row) / len(row) for name, row in values.items()},
            "warnings": list(warnings),
        },
        cost=cost,
        repeats=tuple(
            {"seed": seed, "metrics": outcome["metrics"], "seconds": cost["seconds"]}
            for seed, outcome, cost in zip(seeds, outcomes, costs, strict=True)
        ),
        spread={name: _spread(row) for name, row in values.items()},
    )


def _number(value: Any) -> float:
    return math.nan if value is None else float(value)


def _spread(values: Sequence[float]) -> float:
    return statistics.stdev(values) if all(map(math.isfinite, values)) else math.nan


def _most(values: Any) -> Any:
    return max((value for value in values if value is not None), default=None)
