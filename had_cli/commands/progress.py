"""How far long work is, how fast it goes and how long it will take: drawn, as lines, or for nobody."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Clock = Callable[[], float]
EVERY = 60.0
"""Seconds between two lines where nobody looks at a terminal."""


@dataclass
class Pace:
    """The speed of one pass: what was done since it was first told of.

    Attributes
    ----------
    amount : what a whole pass goes through, in ``unit``; None where that is not known
    """

    amount: float | None = None
    unit: str = "pixels"
    clock: Clock = time.monotonic
    _label: str | None = field(default=None, init=False)
    _begun: tuple[float, float] = field(default=(0.0, 0.0), init=False)

    def told(self, label: str, fraction: float) -> Estimate:
        """Return the estimate after ``fraction`` of the pass ``label`` is done."""
        now = self.clock()
        if label != self._label:
            self._label, self._begun = label, (now, fraction)
        elapsed, done = now - self._begun[0], fraction - self._begun[1]
        if elapsed <= 0 or done <= 0:
            return Estimate(None, None, self.unit)
        speed = done / elapsed
        return Estimate(
            max(0.0, 1 - fraction) / speed, None if self.amount is None else speed * self.amount, self.unit
        )


@dataclass(frozen=True)
class Estimate:
    """Seconds left and units per second; None where neither is known yet."""

    left: float | None
    rate: float | None
    unit: str

    def words(self) -> str:
        """Return both as people say them, e.g. ``1.2 million pixels/s, 3 min 20 s left``."""
        parts = [] if self.rate is None else [f"{_number(self.rate)} {self.unit}/s"]
        parts += [] if self.left is None else [f"{duration(self.left)} left"]
        return ", ".join(parts)


@contextmanager
def drawn(title: str, pace: Pace) -> Iterator[Callable[..., None]]:
    """Yield ``progress(label, fraction, **numbers)`` that draws on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[numbers]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def draw(label: str, fraction: float, **numbers: float) -> None:
            if label not in tasks:
                for task in tasks.values():  # passes follow one another: one bar at a time
                    bars.update(task, visible=False)
                tasks[label] = bars.add_task(f"{title}: {label}", total=1.0, numbers="")
            said = [pace.told(label, fraction).words(), _told(numbers)]
            bars.update(tasks[label], completed=fraction, numbers="  ".join(filter(None, said)))

        yield draw


def lines(title: str, pace: Pace, say: Callable[[str], None], *, every: float = EVERY) -> Callable[..., None]:
    """Return ``progress(label, fraction, **numbers)`` that says a line from time to time."""
    last = pace.clock()

    def tell(label: str, fraction: float, **numbers: float) -> None:
        nonlocal last
        estimate = pace.told(label, fraction)
        if pace.clock() - last < every:
            return
        last = pace.clock()
        said = [f"{title}: {label}: {fraction:.0%}", estimate.words(), _told(numbers)]
        say(", ".join(filter(None, said)))

    return tell


def duration(seconds: float) -> str:
    """Return a time for people: ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def _number(value: float) -> str:
    return (
        f"{value / 1e6:.3g} million" if value >= 1e6 else f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    )


def _told(numbers: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in numbers.items())
