"""Which of the arrays in a MATLAB file or NumPy archive is the scene, and which the truth."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.band_lists import bad_bands
from had_cli.formats.cubes import Candidate, best, candidates, fold
from had_cli.formats.units import spectrum
from had_cli.formats.variable import Array, Variable
from had_cli.scenes.validity import nonzero

# Every spelling of wavelength that public files have: wavlength, wave_length, wavelenght, ...
_WAVELENGTHS = re.compile(
    r"wav\w{0,3}l|wvl|lam(b?da)?s?$|lambda|^wls?$|_wls?$|^wls?_|^bands?$|band_?cent(er|re)s?|^wave$|^cent(er|re)s?$",
    re.IGNORECASE,
)
_WIDTHS = re.compile(r"fwhm|band_?widths?$", re.IGNORECASE)
_MASK = re.compile(r"mask|valid", re.IGNORECASE)
_TRUTH = re.compile(r"truth|gt$|^gt|^map$|anomal|target|label", re.IGNORECASE)
_SCORES = re.compile(r"score|result|detection|anomal", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Choice:
    """What :func:`choose` settled on; ``arranged``: the cube has other axes than the array in the file."""

    cube: Variable
    truth: npt.NDArray[np.bool_] | None = None
    wavelengths: npt.NDArray[np.float64] | None = None
    fwhm: npt.NDArray[np.float64] | None = None
    bad_bands: npt.NDArray[np.bool_] | None = None
    arranged: bool = False
    notes: tuple[str, ...] = ()


def choose(
    path: str, variables: Sequence[Variable], options: Mapping[str, Any], *, order: str = "F"
) -> Choice:
    """Return the cube, its truth, its wavelengths and its bad bands.

    The cube is the largest numeric array of three axes, or matrix of bands x pixels whose size stands beside
    it (``order`` as in :func:`had_cli.formats.cubes.candidates`); one whose bands fit the wavelengths in the
    file goes before others, and pictures of up to four bands go last. A 0/1 array of its rows x cols is
    the truth, unless it marks valid pixels: its name says mask and it is mostly ones. Options name them
    instead.

    Raises
    ------
    SceneError
        When there is no such array, or a named one is missing or of the wrong kind.
    """
    if options.get("layer"):
        return Choice(_layer(path, variables, options))
    notes: list[str] = []
    found = _cube(path, variables, options.get("variable"), order, notes)
    cube = found.cube
    rows, cols = cube.shape[:2]
    truth = _truth(path, variables, (rows, cols), options.get("truth_variable"), notes)
    centres, widths = _spectrum(variables, found.bands, notes)
    bad = bad_bands(variables, found.bands, order, notes)
    return Choice(cube, truth, centres, widths, bad, cube is not found.stored, tuple(notes))


def _named(path: str, variables: Sequence[Variable], name: str, option: str) -> Variable:
    for variable in variables:
        if variable.name == name:
            return variable
    raise SceneError(f"{path}: holds no variable {name!r}; {option} takes one of: {_listed(variables)}")


def _cube(
    path: str, variables: Sequence[Variable], name: str | None, order: str, notes: list[str]
) -> Candidate:
    lengths = {count for count, _ in _vectors(variables)}
    if name is not None:
        cube = _named(path, variables, name, "--variable")
        if not cube.numeric or len(cube.shape) not in {2, 3}:
            raise SceneError(f"{path}: variable {cube} is not a numeric array of three axes")
        chosen = fold(cube, variables, order) or next(
            (c for c in candidates([cube], lengths, order) if c.stored is cube), Candidate(cube, cube)
        )
    else:
        cubes = candidates(variables, lengths, order)
        if not cubes:
            raise SceneError(
                f"{path}: holds no numeric array of three axes (rows x cols x bands), only: "
                f"{_listed(variables)}{_unfolded(variables)}"
            )
        chosen, why = best(cubes, lengths)
        if len(cubes) > 1:
            others = ", ".join(str(c.stored) for c in cubes if c is not chosen)
            notes.append(
                f"the scene is variable {chosen.stored}, {why}; also there: {others} (choose with --variable)"
            )
    if chosen.how:
        notes.append(chosen.how)
    return chosen


def _unfolded(variables: Sequence[Variable]) -> str:
    """Return what to do where a matrix may be a cube without its size."""
    wide = [
        v for v in variables if v.numeric and len(v.shape) == 2 and min(v.shape) >= 3 and max(v.shape) >= 1000
    ]
    if not wide:
        return ""
    return f"; if {wide[0].name} is bands x pixels, save it with its size beside it, as nRow and nCol"


def _truth(
    path: str, variables: Sequence[Variable], shape: tuple[int, int], name: str | None, notes: list[str]
) -> npt.NDArray[np.bool_] | None:
    if name is not None:
        variable = _named(path, variables, name, "--truth-variable")
        if variable.shape != shape or not variable.numeric:
            raise SceneError(
                f"{path}: variable {variable} is no truth of a scene of {shape[0]} x {shape[1]} pixels"
            )
        return nonzero(variable.load())
    candidates = list(_candidates(variables, shape, notes))
    if not candidates:
        return None
    candidates.sort(key=lambda item: (not _TRUTH.search(item[0].leaf), float(item[1].mean())))
    chosen, truth = candidates[0]
    others = ", ".join(variable.name for variable, _ in candidates[1:])
    if others:
        notes.append(
            f"the truth is variable {chosen.name}; also possible: {others} (choose by --truth-variable)"
        )
    elif not _TRUTH.search(chosen.leaf):
        count = f"{int(truth.sum())} of {truth.size} pixels set"
        notes.append(f"variable {chosen.name} ({count}) is taken as the truth")
    return truth


def _candidates(
    variables: Sequence[Variable], shape: tuple[int, int], notes: list[str]
) -> Iterator[tuple[Variable, npt.NDArray[np.bool_]]]:
    """Yield the 0/1 arrays of the scene's size that mark some pixels and not the valid ones."""
    for variable in variables:
        binary = _binary(variable.load()) if variable.shape == shape and variable.numeric else None
        if binary is None:
            continue
        if not binary.any():
            notes.append(f"variable {variable.name} marks no pixel and is not used as the truth")
        elif marks_valid(variable.leaf, binary):
            what = "marks valid pixels and is not used as the truth; it is applied only if given by --mask"
            notes.append(f"variable {variable.name} {what}")
        else:
            yield variable, binary


def _layer(path: str, variables: Sequence[Variable], options: Mapping[str, Any]) -> Variable:
    """Return the single map wanted: scores, a truth or a mask."""
    kind, shapes = options["layer"], options.get("shapes")
    name = options.get("truth_variable" if kind == "truth" else "variable") or options.get("variable")
    if name is not None:
        return _named(path, variables, name, "--truth-variable" if kind == "truth" else "--variable")
    maps = [
        v
        for v in variables
        if v.numeric and (len(v.shape) == 2 or v.shape[2:] == (1,)) and min(v.shape[:2]) > 1
    ]
    fitting = [v for v in maps if shapes is None or v.shape[:2] in shapes]
    if shapes is not None and maps and not fitting:
        rows, cols = shapes[0]
        raise SceneError(f"{path}: holds no array of {rows} rows x {cols} columns, only: {_listed(maps)}")
    if kind == "truth":
        binary = {v.name: _binary(v.load()) for v in fitting}
        fitting = [v for v in fitting if (b := binary[v.name]) is not None and not marks_valid(v.name, b)]
    pattern = {"truth": _TRUTH, "mask": _MASK}.get(kind, _SCORES)
    if len(fitting) > 1:
        fitting = [v for v in fitting if pattern.search(v.leaf)] or fitting
    if len(fitting) == 1:
        return fitting[0]
    what = {"truth": "0/1 array that can be the truth", "mask": "array that can be the mask"}.get(
        kind, "score map"
    )
    how = "name one with --truth-variable" if kind == "truth" else "keep it in a file of its own"
    if fitting:
        raise SceneError(f"{path}: more than one {what}: {_listed(fitting)}; {how}")
    raise SceneError(f"{path}: holds no {what} (rows x cols), only: {_listed(variables)}")


def marks_valid(name: str, binary: npt.NDArray[np.bool_]) -> bool:
    """Return whether an array marks valid pixels: its name says so and it is mostly ones."""
    return bool(_MASK.search(name)) and float(binary.mean()) > 0.5


def _binary(array: Array) -> npt.NDArray[np.bool_] | None:
    if array.dtype.kind not in "biuf":
        return None
    ones = array == 1
    return np.asarray(ones) if bool((ones | (array == 0)).all()) else None


def _vectors(variables: Sequence[Variable]) -> Iterator[tuple[int, Variable]]:
    """Yield the vectors that hold wavelengths, by name and values, with their lengths."""
    for variable in variables:
        sizes = [n for n in variable.shape if n != 1]
        named = _WAVELENGTHS.search(variable.leaf) and not _WIDTHS.search(variable.leaf)
        if variable.numeric and named and len(sizes) == 1 and sizes[0] > 2:
            values = variable.load()
            if values.dtype.kind in "iuf" and spectrum(values.ravel(), None).centres is not None:
                yield sizes[0], variable


def _spectrum(variables: Sequence[Variable], bands: int, notes: list[str]) -> tuple[Any, Any]:
    def vector(pattern: re.Pattern[str], other: re.Pattern[str] | None = None) -> Array | None:
        for variable in sorted(variables, key=lambda v: v.name.count(".")):
            fits = variable.numeric and [n for n in variable.shape if n != 1] == [bands]
            if fits and pattern.search(variable.leaf) and not (other and other.search(variable.leaf)):
                array = variable.load()
                if array.dtype.kind in "iuf":
                    return array.ravel()
        return None

    centres = vector(_WAVELENGTHS, _WIDTHS)
    if centres is None:
        return None, None
    widths = vector(_WIDTHS)
    found = spectrum(centres, None, widths)
    # nanometres are the habit; only what departs from it, or is refused, needs saying
    notes += [n for n in found.notes if not n.endswith("as nm")]
    return found.centres, found.widths


def _listed(variables: Sequence[Variable]) -> str:
    shown = ", ".join(str(v) for v in variables[:12])
    return (shown + (", ..." if len(variables) > 12 else "")) or "nothing"
