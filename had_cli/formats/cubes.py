"""Which array of a file is the cube, and how its axes lie.

Public files hold far more than one cube: pictures, abundance maps, cubes unfolded to bands x pixels with the
size beside them. The names below are those that public code reads and writes.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from had_cli.formats.variable import Array, Variable

_ROWS = re.compile(r"(n|num|no)?_?(rows?|lines?|r|l)|h|hei|height|im_?h|img_?h|ny|m", re.IGNORECASE)
_COLS = re.compile(r"(n|num|no)?_?(cols?|columns?|samples?|c|s)|w|wid|width|im_?w|img_?w|nx|n", re.IGNORECASE)
_SIZES = re.compile(
    r"(im|img|image|hsi|data|cube)?_?(size|sizes|dims?|dimensions?|shape|sz)|hw", re.IGNORECASE
)
_CUBE = re.compile(r"hsi|cube|data|im(g|age)|scene|refl|rad|hyper|^[xyv]$", re.IGNORECASE)
_NOT_CUBE = re.compile(r"abund|rgb|noise|endm|label|ground|(^|_)gt|truth|^a$|^s$|mask|msi", re.IGNORECASE)

# A picture has no more bands than that, and a sensor of interest more.
_PICTURE = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """An array that can be the cube: ``cube`` has the axes of a scene, ``how`` says what that took."""

    cube: Variable
    stored: Variable
    how: str = ""

    @property
    def bands(self) -> int:
        """How many bands it would have."""
        return self.cube.shape[2] if len(self.cube.shape) == 3 else 1


def candidates(variables: Sequence[Variable], lengths: set[int], order: str) -> list[Candidate]:
    """Return every array that can be the cube.

    Parameters
    ----------
    lengths
        The lengths of the wavelength vectors in the file.
    order
        ``F`` where pixels are unfolded column by column (MATLAB), ``C`` row by row.
    """
    maps: set[tuple[int, ...]] = {
        v.shape for v in variables if v.numeric and len(v.shape) == 2 and min(v.shape) > 1
    }
    found = [
        _upright(v, lengths, maps) for v in variables if v.numeric and len(v.shape) == 3 and min(v.shape) > 0
    ]
    for variable in variables:
        folded = fold(variable, variables, order)
        if folded is not None:
            found.append(folded)
    return found


def best(found: Sequence[Candidate], lengths: set[int]) -> tuple[Candidate, str]:
    """Return the candidate to take, and why: its bands fit the wavelengths, it is no picture, or largest."""

    def key(c: Candidate) -> tuple[bool, bool, float, bool, bool]:
        size = float(np.prod(c.cube.shape, dtype=np.float64))
        name = c.stored.leaf
        return (
            c.bands in lengths,
            c.bands > _PICTURE,
            size,
            not _NOT_CUBE.search(name),
            bool(_CUBE.search(name)),
        )

    chosen = max(found, key=key)
    largest = max(found, key=lambda c: np.prod(c.cube.shape, dtype=np.float64))
    if np.prod(chosen.cube.shape, dtype=object) == np.prod(largest.cube.shape, dtype=object):
        return chosen, "the largest"
    return (
        chosen,
        "whose bands fit the wavelengths" if chosen.bands in lengths else "for the others have few bands",
    )


def fold(variable: Variable, variables: Sequence[Variable], order: str) -> Candidate | None:
    """Return a matrix of bands x pixels (or pixels x bands) as the cube it is, where its size is known."""
    if not variable.numeric or len(variable.shape) != 2 or min(variable.shape) < 3:
        return None
    for (rows, cols), origin in _sizes(variable, variables):
        for axis in (1, 0):
            if variable.shape[axis] == rows * cols:
                bands = variable.shape[1 - axis]
                what = "bands x pixels" if axis else "pixels x bands"
                along = "column by column" if order == "F" else "row by row"
                how = f"{variable} is taken as {what}, {along}, of {rows} rows x {cols} columns ({origin})"
                shape = rows, cols, bands
                cube = Variable(variable.name, shape, True, _folding(variable, shape, axis, order))
                return Candidate(cube, variable, how)
    return None


def _folding(variable: Variable, shape: tuple[int, int, int], axis: int, order: str) -> Callable[[], Array]:
    def load() -> Array:
        stored = variable.load()
        pixels = stored.T if axis else stored
        return pixels.reshape(shape, order="F") if order == "F" else pixels.reshape(shape)

    return load


def _sizes(variable: Variable, variables: Sequence[Variable]) -> Iterator[tuple[tuple[int, int], str]]:
    """Yield (rows, cols) that the pixels of a matrix can have, and where they are from; the surest first."""
    scalars = [v for v in variables if v.numeric and _count(v.shape) == 1]
    rows = [v for v in scalars if _ROWS.fullmatch(v.leaf)]
    cols = [v for v in scalars if _COLS.fullmatch(v.leaf)]
    for first, second in itertools.product(rows, cols):
        size = _whole(first), _whole(second)
        if first is not second and None not in size:
            yield size, f"{first.name} and {second.name}"  # type: ignore[misc]
    for vector in variables:
        if vector.numeric and _count(vector.shape) in {2, 3} and _SIZES.fullmatch(vector.leaf):
            values = [int(value) for value in np.asarray(vector.load()).ravel() if value == int(value)]
            for pair in (values[:2], values[1:]):
                if len(pair) == 2:
                    yield (pair[0], pair[1]), vector.name
    for other in variables:
        # a truth or an abundance map of the same pixels
        if (
            other is not variable
            and other.numeric
            and len(other.shape) in {2, 3}
            and min(other.shape[:2]) > 1
        ):
            yield (other.shape[0], other.shape[1]), f"as {other.name} has"


def _upright(variable: Variable, lengths: set[int], maps: set[tuple[int, ...]]) -> Candidate:
    """Return an array of three axes with the bands last, where the file tells that they lie elsewhere."""
    shape = variable.shape
    first = shape[0] in lengths and shape[2] not in lengths
    reason = "its first axis is as long as the wavelengths"
    if not lengths and shape[1:] in maps and shape[:2] not in maps:
        first, reason = True, "a map in the file has the size of its other axes"
    if not first:
        return Candidate(variable, variable)
    turned = (shape[1], shape[2], shape[0])
    cube = Variable(variable.name, turned, True, lambda: np.moveaxis(variable.load(), 0, -1))
    return Candidate(cube, variable, f"{variable} is taken as bands x rows x columns: {reason}")


def bands_first(shape: tuple[int, int, int]) -> str | None:
    """Return a hint where an array read as rows x columns x bands looks like bands x rows x columns."""
    first, second, third = shape
    longer = min(second, third) >= 8 * first and first > 1  # a few bands of a large picture
    square = second == third != first and second > 8  # the pixels of a square scene
    endless = third > 1024 >= first  # no sensor has so many bands
    if not (longer or square or endless):
        return None
    return (
        f"{first} rows x {second} columns x {third} bands: if the first axis holds the bands, turn it by "
        "numpy.moveaxis(array, 0, -1)"
    )


def _count(shape: tuple[int, ...]) -> int:
    return int(np.prod(shape, dtype=np.int64)) if shape else 1


def _whole(variable: Variable) -> int | None:
    value: npt.NDArray[np.generic] = np.asarray(variable.load()).ravel()
    number = float(value[0])
    return int(number) if number.is_integer() and number > 0 else None
