"""Wavelengths as files state them, turned into nanometres without losing a digit.

Values are moved by powers of ten in decimal arithmetic: 0.4505 um becomes 450.5 nm and not
450.49999999999994, and a value written as micrometres comes back as the same double.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

_POWER = {"nm": 0, "um": 3, "mm": 6, "cm": 7, "m": 9, "angstrom": -1}
_NAME = {power: name for name, power in _POWER.items()}
# what divides these numbers gives nanometres
_INVERSE = {"wavenumber": Decimal(10_000_000), "ghz": Decimal(299_792_458), "thz": Decimal("299792.458")}
# solar and thermal sensors see 0.2 to 20 um: no value below 100 can be nanometres, none above micrometres
_LEAST_NM = 100
_ALIASES = {
    "nm": ("nm", "nms", "nanometer", "nanometers", "nanometre", "nanometres", "nano meters", "nanomenters"),
    "um": (
        *("um", "µm", "μm", "mum", "micron", "microns", "micrometer", "micrometers", "micrometre"),
        *("micrometres", "micro meters", "mircometers", "micometers", "\\mum", "âµm"),
    ),
    "mm": ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    "cm": ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    "m": ("m", "meter", "meters", "metre", "metres"),
    "angstrom": ("angstrom", "angstroms", "å"),
    "wavenumber": ("wavenumber", "wavenumbers", "cm-1", "cm^-1", "1/cm"),
    "ghz": ("ghz", "gigahertz"),
    "thz": ("thz", "terahertz"),
    "index": ("index", "band", "bands", "band number"),
    "": ("", "unknown", "none", "unspecified", "undefined", "n/a", "na"),
}
_WITH_UNIT = re.compile(r"\s*([-+.\deE]*[\d.])\s*([^\d\s.][^\d]*?)\s*")
_UNIT = {alias: unit for unit, aliases in _ALIASES.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Band centres and widths in nanometres, (bands,) each, and what had to be decided."""

    centres: Float | None = None
    widths: Float | None = None
    notes: tuple[str, ...] = ()


def spectrum(
    centres: Iterable[object],
    unit: str | None,
    widths: Iterable[object] | None = None,
    *,
    exact: bool = False,
) -> Spectrum:
    """Return band centres and widths in nanometres.

    ``unit`` None or unknown: told from the magnitude, with a note; so is one that cannot be meant (hundreds
    of micrometres, fractions of a nanometre). Widths are in the unit of the centres, unless only another
    makes them widths of these bands. A unit that is part of a format is ``exact``, for both. Values that
    cannot be wavelengths (band numbers, zeros) give none; a few among good ones are put between their
    neighbours. Each of these is a note.

    Raises
    ------
    ValueError
        When a value is no number.
    """
    texts = list(centres)
    if unit is None or not canonical(unit):
        texts, unit = _own_unit(texts, unit)
    numbers, spans = _decimals(texts), None if widths is None else _decimals(widths)
    usable = [v.is_finite() and v > 0 for v in numbers]
    if 2 * sum(usable) <= len(numbers):
        return Spectrum(notes=("the wavelengths are not positive numbers and are ignored",))
    name = canonical(unit)
    counts = name != "wavenumber" and _counts(numbers)
    notes: list[str] = []
    good = [v for v, use in zip(numbers, usable, strict=True) if use]
    likely = "um" if max(good) < _LEAST_NM else "nm"
    if name == "other" and (counts or not _optical(good, likely)):
        return Spectrum(notes=(f"wavelengths in {unit!r} are not understood and are ignored",))
    if counts or name == "index":
        return Spectrum(notes=("the wavelengths are band numbers and are ignored",))
    if name in _INVERSE:
        nanometres = np.array(
            [float(_INVERSE[name] / v) if u else np.nan for v, u in zip(numbers, usable, strict=True)]
        )
        return _expressible(_filled(nanometres, notes), None, notes)
    if name in {"", "other"} or (
        name in {"nm", "um"} and name != likely and not exact and _optical(good, likely)
    ):
        what = {"": "is not stated", "other": f"is {unit!r}"}.get(name, f"cannot be {name}")
        notes.append(f"the unit of the wavelengths {what}: {min(good)} to {max(good)} taken as {likely}")
        name = likely
    power = _POWER[name]
    nanometres = np.array(
        [float(v.scaleb(power)) if u else np.nan for v, u in zip(numbers, usable, strict=True)]
    )
    filled = _filled(nanometres, notes)
    found = None
    if spans is not None:
        found = _scaled(spans, power) if exact else _widths(spans, power, filled, notes)
    return _expressible(filled, found, notes)


def _own_unit(texts: list[object], unit: str | None) -> tuple[list[object], str | None]:
    """Return values without the unit that stands behind each, and that unit."""
    found = [_WITH_UNIT.fullmatch(text) if isinstance(text, str) else None for text in texts]
    matches = [match for match in found if match is not None]
    units = {match.group(2).lower() for match in matches}
    if not matches or len(matches) < len(texts) or len(units) != 1:
        return texts, unit
    return [match.group(1) for match in matches], units.pop()


def _optical(values: Sequence[Decimal], unit: str) -> bool:
    """Return whether values in ``unit`` are wavelengths that optical sensors see."""
    low, high = (v.scaleb(_POWER[unit]) for v in (min(values), max(values)))
    return low >= 150 and high <= 30_000


def _counts(numbers: Sequence[Decimal]) -> bool:
    """Return whether values only number the bands."""
    return (
        len(numbers) > 1 and numbers[0] in {0, 1} and all(v == numbers[0] + i for i, v in enumerate(numbers))
    )


def _filled(nanometres: Float, notes: list[str]) -> Float:
    """Return centres with those that are NaN put between their neighbours, which is noted."""
    missing = np.isnan(nanometres)
    if missing.any():
        index = np.arange(len(nanometres))
        known = index[~missing]
        nanometres[missing] = np.interp(index[missing], known, nanometres[known])
        bands = ", ".join(str(i + 1) for i in index[missing][:8]) + (", ..." if missing.sum() > 8 else "")
        notes.append(
            f"{missing.sum()} wavelengths are not positive numbers (band {bands}): put between others"
        )
    return nanometres


def _widths(spans: Sequence[Decimal], power: int, centres: Float, notes: list[str]) -> Float | None:
    """Return widths in nanometres: in the unit of the centres, or in the one that makes sense of them."""
    if not all(v.is_finite() and v > 0 for v in spans):
        notes.append("the band widths are not positive numbers and are ignored")
        return None
    centre = float(np.median(centres))
    for other in (power, *(p for p in (0, _POWER["um"]) if p != power)):
        widths = _scaled(spans, other)
        # no band is wider than its own wavelength, and none is a twentieth of a nanometre wide
        if 0.05 <= float(np.median(widths)) <= centre:
            if other != power:
                names = f"{_NAME[other]}, the wavelengths are in {_NAME[power]}"
                notes.append(f"the band widths are taken in {names}")
            return widths
    return _scaled(spans, power)


def _scaled(values: Sequence[Decimal], power: int) -> Float:
    return np.array([float(v.scaleb(power)) for v in values])


def _expressible(centres: Float, widths: Float | None, notes: list[str]) -> Spectrum:
    """Return the spectrum, or none where a centre is too large or too small for a double."""
    if not _positive(centres):
        return Spectrum(notes=("the wavelengths are beyond all measure and are ignored",))
    return Spectrum(centres, widths if widths is not None and _positive(widths) else None, tuple(notes))


def _positive(values: Float) -> bool:
    return bool((np.isfinite(values) & (values > 0)).all())


def canonical(unit: str | None) -> str:
    """Return the short name of a unit of wavelengths, ``""`` where none is stated, else ``other``."""
    return _UNIT.get((unit or "").strip(" .[](){}'\"\t\n").lower().replace("(s)", "s"), "other")


def rescaled(values: Iterable[float], unit: str | None, other: str | None) -> list[str]:
    """Return lengths in ``unit`` as texts in ``other``; as they are, where either is not known."""
    one, two = (_POWER.get(canonical(name)) for name in (unit, other))
    moved = 0 if one is None or two is None else one - two
    return [str(value.scaleb(moved)) for value in _decimals(values)]


def micrometres(nanometres: float) -> str:
    """Return a wavelength as text in micrometres, with the digits of the nanometres."""
    return format(Decimal(repr(float(nanometres))).scaleb(-3).normalize(), "f")


def number(value: float) -> str:
    """Return the shortest text that reads back as the same double; whole numbers without a point."""
    value = float(value)
    return (
        str(int(value))
        if value.is_integer() and abs(value) < 1e15 and not _negative_zero(value)
        else repr(value)
    )


def numbers(values: Iterable[float]) -> list[str]:
    """Return :func:`number` of each value."""
    return [number(v) for v in values]


def uniform(values: Sequence[object]) -> bool:
    """Return whether all values are the same, NaN being equal to itself."""
    return len({str(v) for v in values}) <= 1


def _negative_zero(value: float) -> bool:
    return value == 0 and np.signbit(value)


def _decimals(values: Iterable[object]) -> list[Decimal]:
    try:
        return [Decimal(v.strip() if isinstance(v, str) else repr(float(v))) for v in values]  # type: ignore[arg-type]
    except InvalidOperation as error:
        raise ValueError("a wavelength is not a number") from error
