"""What stands out of its surroundings in shape: top-hats by reconstruction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import Block, device_of
from had_ssf.surroundings import trimmed

COUNT = 10  # components
REACH = 2  # of the eroding square: 5 x 5
STEPS = 24  # of the reconstruction, each a 3 x 3 dilation
LOOK = 4  # steps after which it is looked whether anything changes
HALO = REACH + STEPS


@dataclass(frozen=True)
class Spread:
    """Of each top-hat: its number of pixels, mean, and sum of squared deviations."""

    count: int
    mean: npt.NDArray[np.float64]
    squares: npt.NDArray[np.float64]


def top_hats(block: Block) -> Iterator[Any]:
    """Yield the top-hat of each component and of its negative, core height x core width.

    d = p - m, where m is the erosion of p, dilated under p until nothing changes or STEPS times
    (Vincent 1993: reconstruction by dilation). Invalid pixels and those beyond the scene's edge take
    part in neither erosion nor dilation; what is returned for them is undefined.
    """
    xp = block.xp
    block = trimmed(block, HALO)
    core, valid = block.core, block.valid
    whole = bool(xp.all(valid))
    cols = valid.shape[1] + 2 * REACH
    planes = xp.permute_dims(block.cube[..., :COUNT], (2, 0, 1))
    edge = framed(xp.zeros_like(valid), True, xp)
    outside = edge if whole else framed(~valid, True, xp)
    rows = slice(core.row + REACH, core.row + REACH + core.height)
    inner = rows, slice(core.col + REACH, core.col + REACH + core.width)
    for component in range(planes.shape[0]):
        line = framed(planes[component, ...], 0.0, xp)
        for _ in range(2):
            p = xp.where(outside, -xp.inf, line)
            marker = xp.where(edge, -xp.inf, eroded(xp.where(outside, xp.inf, line), cols, xp))
            hat = line - reconstructed(p, marker, cols, xp)
            yield xp.reshape(hat, (-1, cols))[inner]
            line = -line


def framed(plane: Any, value: Any, xp: Any) -> Any:
    """Return rows x cols ``plane`` in a frame of REACH ``value``, as one line, row after row.

    A step to another row is one of cols + 2 REACH: a long line is computed much faster than many short
    ones, and with the frame no edge is a case of its own.
    """
    height, width = plane.shape
    shape = height + 2 * REACH, width + 2 * REACH
    whole = xp.full(shape, value, dtype=plane.dtype, device=device_of(plane))
    whole[REACH:-REACH, REACH:-REACH] = plane
    return xp.reshape(whole, (-1,))


def eroded(line: Any, cols: int, xp: Any) -> Any:
    """Return the least value in the square of REACH around each place within the frame of a line."""
    for step in (1, cols):
        reach, width = REACH * step, line.shape[0] - 2 * REACH * step
        least = xp.minimum(line[:width], line[step : step + width])
        for shift in range(2 * step, 2 * reach + 1, step):
            xp.minimum(least, line[shift : shift + width], out=least)
        line = xp.full_like(line, xp.inf)
        line[reach : reach + width] = least
    return line


def reconstructed(line: Any, marker: Any, cols: int, xp: Any) -> Any:
    """Return ``marker`` dilated under ``line``, until nothing changes or STEPS times; both framed in -inf."""
    size = line.shape[0]
    across, down = slice(1, size - 1), slice(cols, size - cols)

    def views(whole: Any) -> tuple[Any, ...]:
        return whole, whole[:-2], whole[across], whole[2:], whole[down]

    other, wide = xp.full_like(line, -xp.inf), xp.full_like(line, -xp.inf)
    old, new = views(marker), views(other)
    row, limit = wide[across], line[down]
    above, middle, below = wide[: -2 * cols], wide[down], wide[2 * cols :]
    for step in range(1, STEPS + 1):
        (now, left, here, right, _), found = old, new[-1]
        xp.maximum(left, here, out=row)
        xp.maximum(row, right, out=row)
        xp.maximum(above, middle, out=found)
        xp.maximum(found, below, out=found)
        xp.minimum(found, limit, out=found)
        # once nothing changes, further steps do no harm, and looking costs as much as a part of a step
        if step % LOOK == 0 and bool(xp.all(new[0] == now)):
            break
        old, new = new, old
    else:
        return old[0]
    return new[0]


@dataclass(frozen=True)
class TopHats:
    """The member ``th``: top-hats, each over the square root of its standard deviation, added."""

    name = "th"
    halo = HALO

    def measured(self, block: Block) -> Spread:
        """Return the spread of the top-hats over the valid pixels of the core."""
        xp, valid = block.xp, block.core_of(block.valid)
        mean, squares, count = [], [], 0
        for hat in top_hats(block):
            values = xp.astype(hat[valid], xp.float64)
            count = values.shape[0]
            centre = float(xp.mean(values))
            values -= centre
            mean.append(centre)
            squares.append(float(xp.sum(values * values)))
        return Spread(count, np.array(mean), np.array(squares))

    def merged(self, first: Spread, second: Spread) -> Spread:
        """Return the spread of both (Chan, Golub & LeVeque, 1983, eq. 2.1)."""
        count = first.count + second.count
        step = second.mean - first.mean
        return Spread(
            count,
            first.mean + step * (second.count / count),
            first.squares + second.squares + step**2 * (first.count * second.count / count),
        )

    def scores(self, known: Spread) -> WeightedTopHats:
        """Return the block map, once the spread over the scene is known."""
        deviation = np.sqrt(known.squares / known.count)
        weights = np.divide(1.0, np.sqrt(deviation), out=np.zeros_like(deviation), where=deviation > 0)
        return WeightedTopHats(tuple(float(weight) for weight in weights))


@dataclass(frozen=True)
class WeightedTopHats:
    """Block map to the weighted sum of top-hats; a weight of 0 leaves one out."""

    weights: tuple[float, ...]

    def __call__(self, block: Block) -> Any:
        """Return core height x core width."""
        xp, core = block.xp, block.core
        total = xp.zeros((core.height, core.width), dtype=xp.float64, device=device_of(block.cube))
        for weight, hat in zip(self.weights, top_hats(block), strict=True):
            if weight:
                total += xp.astype(hat, xp.float64) * weight
        return xp.astype(total, xp.float32)
