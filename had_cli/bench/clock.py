"""How long the rest of a bench will take."""

from __future__ import annotations

from collections.abc import Sequence


class Clock:
    """Foretells from the cells that have been run.

    A cell is taken to cost what its configuration has cost so far per value of the scene; a configuration
    not yet seen, what all of them have.

    Parameters
    ----------
    cells
        (label, number of values) of the cells to be run, in order.
    """

    def __init__(self, cells: Sequence[tuple[str, int]]) -> None:
        self._cells = cells
        self.passed: list[float] = []

    def tick(self, seconds: float) -> None:
        """Take the next cell as run in so many seconds, start of its process included."""
        self.passed.append(seconds)

    def seconds_left(self) -> float | None:
        """Return the seconds still to come, or None before the first cell is done."""
        run, rest = self._cells[: len(self.passed)], self._cells[len(self.passed) :]
        if not run:
            return None

        def rate(label: str | None) -> float | None:
            pairs = [
                (seconds, size)
                for (name, size), seconds in zip(run, self.passed, strict=True)
                if label in {None, name}
            ]
            return sum(s for s, _ in pairs) / sum(n for _, n in pairs) if pairs else None

        total = 0.0
        for label, size in rest:
            own = rate(label)
            overall = rate(None)
            total += size * (own if own is not None else overall or 0.0)
        return total

    def left(self) -> str:
        """Return ``; about 3 min left``, or nothing where nothing is left."""
        seconds = self.seconds_left()
        if not seconds:
            return ""
        if seconds < 90:
            return f"; about {max(1, round(seconds))} s left"
        minutes = round(seconds / 60)
        return f"; about {minutes} min left" if minutes < 90 else f"; about {seconds / 3600:.1f} h left"
