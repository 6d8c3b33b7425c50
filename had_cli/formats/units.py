"""Wavelengths as files state them, turned into nanometres without losing a digit.

Values are moved by powers of ten in decimal arithmetic: 0.4505 um becomes 450.5 nm and not
450.49999999999994, and a value written as micrometres comes back as the same double.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float64]

_POWER = {"nm": 0, "um": 3, "mm": 6, "cm": 7, "m": 9, "angstrom": -1}
_ALIASES = {
    "nm": ("nm", "nanometer", "nanometers", "nanometre", "nanometres"),
    "um": ("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres"),
    "mm": ("mm", "millimeter", "millimeters", "millimetre", "millimetres"),
    "cm": ("cm", "centimeter", "centimeters", "centimetre", "centimetres"),
    "m": ("m", "meter", "meters", "metre", "metres"),
    "angstrom": ("angstrom", "angstroms", "å"),
    "wavenumber": ("wavenumber", "wavenumbers", "cm-1", "1/cm"),
    "": ("", "unknown", "none"),
}
_UNIT = {alias: unit for unit, aliases in _ALIASES.items() for alias in aliases}


@dataclass(frozen=True, slots=True)
class Spectrum:
    """Band centres and widths in nanometres, (bands,) each, and what had to be decided."""

    centres: Float | None = None
    widths: Float | None = None
    notes: tuple[str, ...] = ()


def spectrum(centres: Iterable[object], unit: str | None, widths: Iterable[object] | None = None) -> Spectrum:
    """Return band centres (and widths, in the same unit) in nanometres.

    ``unit`` None or unknown: told from the magnitude, with a note. Values that cannot be wavelengths
    (band numbers, zeros) give none, with a note.

    Raises
    ------
    ValueError
        When a value is no number.
    """
    numbers, spans = _decimals(centres), None if widths is None else _decimals(widths)
    if not numbers or not all(v.is_finite() and v > 0 for v in numbers):
        return Spectrum(notes=("the wavelengths are not positive numbers and are ignored",))
    name = canonical(unit)
    if name == "wavenumber":
        return _expressible(np.array([float(10_000_000 / v) for v in numbers]))
    if name == "other":
        return Spectrum(notes=(f"wavelengths in {unit!r} are not understood and are ignored",))
    notes: tuple[str, ...] = ()
    if not name:
        first = numbers[0]
        if len(numbers) > 1 and first in {0, 1} and all(v == first + i for i, v in enumerate(numbers)):
            return Spectrum(notes=("the wavelengths are band numbers and are ignored",))
        # solar and thermal sensors see 0.2 to 20 um: no value below 100 can be nanometres
        name = "um" if max(numbers) < 100 else "nm"
        notes = (
            f"the unit of the wavelengths is not stated: {min(numbers)} to {max(numbers)} taken as {name}",
        )
    power = _POWER[name]
    nanometres = np.array([float(v.scaleb(power)) for v in numbers])
    widths_nm = None if spans is None else np.array([float(v.scaleb(power)) for v in spans])
    if widths_nm is not None and not _positive(widths_nm):
        widths_nm = None
    return _expressible(nanometres, widths_nm, notes)


def _expressible(centres: Float, widths: Float | None = None, notes: tuple[str, ...] = ()) -> Spectrum:
    """Return the spectrum, or none where a centre is too large or too small for a double."""
    if not _positive(centres):
        return Spectrum(notes=("the wavelengths are beyond all measure and are ignored",))
    return Spectrum(centres, widths, notes)


def _positive(values: Float) -> bool:
    return bool((np.isfinite(values) & (values > 0)).all())


def canonical(unit: str | None) -> str:
    """Return the short name of a unit of wavelengths, ``""`` where none is stated, else ``other``."""
    return _UNIT.get((unit or "").strip().lower(), "other")


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
