"""How a scene is cut for a network that looks at a whole image."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

WHOLE = 256  # pixels: an axis up to here is not cut


@dataclass(frozen=True)
class Axis:
    """Tiles along one axis of a scene, and how their answers are blended.

    An axis of at most 256 pixels is one tile. A longer one has tiles of equal length, evenly spread, each
    half its length from the next. A pixel's value is the mean of the tiles over it,
    weighted by squared sines that vanish with their slope at a tile's ends: so no tile begins
    or ends with a step.

    Attributes
    ----------
    size : pixels of the axis
    length : pixels of a tile
    starts : first pixel of every tile
    """

    size: int
    length: int
    starts: npt.NDArray[np.intp] = field(compare=False)
    _total: npt.NDArray[np.float64] = field(compare=False, repr=False)

    @classmethod
    def of(cls, size: int, tile: int) -> Axis:
        """Return the tiles of at most ``tile`` pixels, as few as will do, for an axis of ``size``."""
        count = 1 if size <= WHOLE else 1 + -(-2 * (size - tile) // tile)
        length = -(-2 * size // (count + 1))
        starts = np.rint(np.linspace(0, size - length, count)).astype(np.intp)
        total = np.zeros(size)
        for start in starts:
            total[start : start + length] += _bump(length)
        return cls(size, length, starts, total)

    def over(self, start: int, stop: int) -> range:
        """Return the indices of the tiles that reach into the pixels ``start`` to ``stop``."""
        first = np.searchsorted(self.starts, start - self.length, side="right")
        return range(int(first), int(np.searchsorted(self.starts, stop, side="left")))

    def share(self, tile: int, start: int, stop: int) -> npt.NDArray[np.float64]:
        """Return a tile's weight at the pixels ``start`` to ``stop``, all within it.

        At every pixel the weights of all tiles sum to 1.
        """
        own = self.starts[tile]
        return _bump(self.length)[start - own : stop - own] / self._total[start:stop]


def _bump(length: int) -> npt.NDArray[np.float64]:
    return np.sin(np.pi * (np.arange(length) + 0.5) / length) ** 2
