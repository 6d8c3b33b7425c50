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
    cube, valid = block.cube, block.valid
    whole = bool(xp.all(valid))
    for component in range(min(COUNT, cube.shape[-1])):
        plane = xp.asarray(cube[..., component], copy=True)
        for _ in range(2):
            above = plane if whole else xp.where(valid, plane, xp.inf)
            p = plane if whole else xp.where(valid, plane, -xp.inf)
            yield block.core_of(p - reconstructed(p, eroded(above, xp), xp))
            plane = -plane


def eroded(plane: Any, xp: Any) -> Any:
    """Return the least value in the square of REACH around each pixel, within the plane."""
    for axis in (0, 1):
        padded = _framed(plane, REACH, axis, xp.inf, xp)
        size = plane.shape[axis]
        plane = _shifted(padded, 0, size, axis)
        for shift in range(1, 2 * REACH + 1):
            plane = xp.minimum(plane, _shifted(padded, shift, size, axis))
    return plane


def reconstructed(plane: Any, marker: Any, xp: Any) -> Any:
    """Return ``marker`` dilated under ``plane``, until nothing changes or STEPS times."""
    height, width = plane.shape
    # with a frame of the least value, no edge is a case of its own
    old, new = (
        xp.full((height + 2, width + 2), -xp.inf, dtype=plane.dtype, device=device_of(plane))
        for _ in range(2)
    )
    old[1:-1, 1:-1] = marker
    wide = xp.empty_like(old[:, 1:-1])
    for step in range(1, STEPS + 1):
        inner = new[1:-1, 1:-1]
        xp.maximum(old[:, :-2], old[:, 1:-1], out=wide)
        xp.maximum(wide, old[:, 2:], out=wide)
        xp.maximum(wide[:-2, :], wide[1:-1, :], out=inner)
        xp.maximum(inner, wide[2:, :], out=inner)
        xp.minimum(inner, plane, out=inner)
        # once nothing changes, further steps do no harm, and looking costs as much as a part of a step
        if step % LOOK == 0 and bool(xp.all(new == old)):
            break
        old, new = new, old
    else:
        return old[1:-1, 1:-1]
    return new[1:-1, 1:-1]


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


def _framed(plane: Any, width: int, axis: int, value: float, xp: Any) -> Any:
    shape = list(plane.shape)
    shape[axis] = width
    frame = xp.full(tuple(shape), value, dtype=plane.dtype, device=device_of(plane))
    return xp.concat([frame, plane, frame], axis=axis)


def _shifted(padded: Any, start: int, size: int, axis: int) -> Any:
    return padded[start : start + size, :] if axis == 0 else padded[:, start : start + size]
