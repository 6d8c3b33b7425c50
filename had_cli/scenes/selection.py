"""Bands as the user names them: numbers from 1, or wavelengths with a unit."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError, UsageError

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Nanometres = npt.NDArray[np.float64]

_VALUE = r"(?:\d+(?:\.\d*)?|\.\d+)"
_ITEM = re.compile(
    rf"(?P<low>{_VALUE})?\s*(?P<unit_low>nm|um|µm|μm)?\s*(?:(?P<dash>-)\s*(?P<high>{_VALUE})?)?\s*(?P<unit>nm|um|µm|μm)?"
)
_EXAMPLES = "such as 1-200, 1-50,60,70-, 400-2450nm or 0.4-2.5um"


def parse_bands(
    text: str,
    count: int,
    wavelengths: npt.NDArray[np.float64] | None = None,
    bad_bands: npt.NDArray[np.bool_] | None = None,
    *,
    excluding: bool = False,
) -> Index:
    """Return the ascending 0-based indices of the bands that ``text`` names.

    Items are joined by commas: a band ``7``, a range ``1-200`` (both ends included, one may be left
    out), a range of wavelengths ``400-2450nm`` or ``0.4-2.5um``, or the band nearest to ``650nm``.
    Bands named by number are taken as they are, ranges of wavelengths leave out ``bad_bands``.

    Parameters
    ----------
    count
        How many bands the scene has.
    wavelengths
        (count,) nanometres, or None where the scene does not know them.
    excluding
        The text is that of ``--exclude-bands``: a range of wavelengths may then hold no band.

    Raises
    ------
    UsageError
        When the text is not understood.
    SceneError
        When the scene has no such band.
    """
    option = "--exclude-bands" if excluding else "--bands"
    chosen = np.zeros(count, bool)
    for item in map(str.strip, text.split(",")):
        low, high, unit = _ends(item, option)
        if unit is None:
            chosen |= _by_number(item, low, high, count, option)
        elif wavelengths is None:
            raise SceneError(f"{option} {item!r}: the scene knows no wavelengths; name its bands by number")
        else:
            good = np.ones(count, bool) if bad_bands is None else ~bad_bands
            found = _by_wavelength(item, low, high, wavelengths, good)
            if not found.any() and not excluding:
                covered = f"{wavelengths.min():g} to {wavelengths.max():g} nm"
                raise SceneError(f"{option} {item!r} holds no good band of the scene, which covers {covered}")
            chosen |= found
    return np.flatnonzero(chosen)


def _ends(item: str, option: str) -> tuple[Decimal | None, Decimal | None, str | None]:
    """Return both ends of an item, in nanometres where it has a unit; one value is both its ends."""
    match = _ITEM.fullmatch(item)
    if not item or match is None or (match["low"] is None and match["high"] is None):
        raise UsageError(f"{option} {item!r} is not understood; give bands {_EXAMPLES}")
    low, high, dash = match["low"], match["high"], match["dash"]
    unit_low, unit = match["unit_low"], match["unit"]
    # a unit stands behind a value, and not only behind the first of two
    if unit_low and (low is None or (unit is None and high is not None) or (unit and not high)):
        raise UsageError(f"{option} {item!r} is not understood; give bands {_EXAMPLES}")
    unit = unit or unit_low
    powers = [0 if (of or unit) in {None, "nm"} else 3 for of in (unit_low, unit)]
    first = None if low is None else Decimal(low).scaleb(powers[0])
    last = None if high is None else Decimal(high).scaleb(powers[1])
    if not dash:
        last = first
    if first is not None and last is not None and last < first:
        raise UsageError(f"{option} {item!r} runs backwards; write the smaller end first")
    return first, last, unit


def _by_number(item: str, low: Decimal | None, high: Decimal | None, count: int, option: str) -> Mask:
    if any(value is not None and value != value.to_integral_value() for value in (low, high)):
        raise UsageError(f"{option} {item!r}: band numbers are whole; write nm or um behind wavelengths")
    first, last = Decimal(1) if low is None else low, Decimal(count) if high is None else high
    if first < 1 or last < 1:
        raise UsageError(f"{option} {item!r}: bands are counted from 1")
    if max(first, last) > count:  # as decimals: Python prints no whole number of 5000 digits
        raise SceneError(
            f"{option} {item!r} asks for band {max(first, last):f}, but the scene has {count} bands"
        )
    chosen = np.zeros(count, bool)
    chosen[int(first) - 1 : int(last)] = True
    return chosen


def _by_wavelength(
    item: str, low: Decimal | None, high: Decimal | None, wavelengths: Nanometres, good: Mask
) -> Mask:
    if low is not None and low == high and "-" not in item:
        if not wavelengths.min() <= float(low) <= wavelengths.max() or not good.any():
            return np.zeros(len(good), bool)
        distance = np.where(good, np.abs(wavelengths - float(low)), np.inf)
        return np.asarray(np.arange(len(good)) == int(distance.argmin()))
    above = wavelengths >= (-np.inf if low is None else float(low))
    below = wavelengths <= (np.inf if high is None else float(high))
    return np.asarray(good & above & below)
