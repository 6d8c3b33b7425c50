"""When a training gains nothing any more: a rule that needs no truth."""

from __future__ import annotations

import math
from collections.abc import Sequence

WINDOW = 10  # losses of single steps, of random crops above all, go up and down: a mean of so many counts
LEAST_GAIN = 1e-3  # relative


class Patience:
    """Says when the loss has not fallen by a thousandth for some epochs.

    Parameters
    ----------
    limit
        So many epochs; 0 never ends a training.
    losses
        Of the epochs before.
    """

    def __init__(self, limit: int, losses: Sequence[float] = ()) -> None:
        self._limit, self._best, self._since = limit, math.inf, 0
        self.over = False
        for count in range(1, len(losses) + 1):
            self.look(losses[max(0, count - WINDOW) : count])

    def look(self, losses: Sequence[float]) -> None:
        """Take notice of the last of ``losses``."""
        if not self._limit or len(losses) < WINDOW:
            return
        mean = sum(losses[-WINDOW:]) / WINDOW
        if mean < self._best * (1 - LEAST_GAIN):
            self._best, self._since = mean, 0
        else:
            self._since += 1
        self.over = self._since >= self._limit
