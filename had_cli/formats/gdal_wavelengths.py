"""Wavelengths, bad bands and names in the many places GDAL users keep them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.formats.units import Spectrum, canonical, spectrum

Tags = Mapping[str, str]

# GDAL writes IMAGERY with three digits of a micrometre.
_ROUNDED = 0.51

_NUMBER = r"([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)"
_UNIT = r"(nm|um|µm|μm|nanomet(?:er|re)s?|micromet(?:er|re)s?|microns?)\b"
_WITH_UNIT = re.compile(rf"{_NUMBER}\s*{_UNIT}", re.IGNORECASE)
_NAMED = re.compile(rf"(?:wavelength|wvl|lambda)\s*[=:]?\s*{_NUMBER}", re.IGNORECASE)
_PLAIN = re.compile(rf"\s*{_NUMBER}\s*(\S*)\s*\Z")
_LISTS = (
    *("wavelength", "wavelengths", "central_wavelengths", "center_wavelengths", "band_centers"),
    *("center_wavelength", "central_wavelength", "centre_wavelength", "wavlength"),
)
_UNITS = ("wavelength_units", "wavelength units", "wavelength_unit", "wavelengths_units")
_BBL = ("bbl", "bad_bands", "good_bands")


@dataclass(frozen=True)
class Domains:
    """What GDAL keeps of a raster: metadata of the dataset and of each band, by domain."""

    dataset: Tags = field(default_factory=dict)
    bands: Sequence[Tags] = ()
    imagery: Sequence[Tags] = ()
    envi: Tags = field(default_factory=dict)
    envi_bands: Sequence[Tags] = ()


def find_spectrum(domains: Domains, descriptions: Sequence[str | None]) -> Spectrum:
    """Return wavelengths from the IMAGERY domain, else ENVI, descriptions or tags, in that order.

    GDAL fills IMAGERY from an ENVI header with three digits, so the ENVI domain goes first where both say the
    same.

    Raises
    ------
    ValueError
        When a place states a wavelength that is no number.
    """
    centres = [tags.get("CENTRAL_WAVELENGTH_UM") for tags in domains.imagery]
    envi = _from_tags(_lower(domains.envi), [_lower(tags) for tags in domains.envi_bands])
    if centres and all(centres):
        widths = [tags.get("FWHM_UM") for tags in domains.imagery]
        found = spectrum(centres, "um", widths if all(widths) else None, exact=True)
        finer = envi.centres is not None and found.centres is not None
        if not finer or not np.allclose(envi.centres, found.centres, rtol=0, atol=_ROUNDED):  # type: ignore[arg-type]
            return found
    if envi.centres is not None:
        return envi
    count = len(domains.bands)
    for texts in (descriptions, _numbered(domains.dataset, count)):
        named = _from_texts(texts)
        if named is not None:
            return named
    return _from_tags(_lower(domains.dataset), [_lower(tags) for tags in domains.bands])


def find_bad_bands(domains: Domains) -> npt.NDArray[np.bool_] | None:
    """Return the bands marked bad by a ``bbl`` (1 good, 0 bad), of the dataset or of each band.

    Raises
    ------
    ValueError
        When the list is not one number per band.
    """
    found = _bad_bands(domains.dataset, domains.bands)
    return _bad_bands(domains.envi, domains.envi_bands or domains.bands) if found is None else found


def _bad_bands(dataset: Tags, bands: Sequence[Tags]) -> npt.NDArray[np.bool_] | None:
    tags = _lower(dataset)
    for name in _BBL:
        items = _items(tags.get(name))
        if items is None:
            own = [_lower(t).get(name) for t in bands]
            items = [str(v) for v in own] if all(v is not None for v in own) else None
        if items is not None:
            if len(items) != len(bands):
                raise ValueError(f"{len(items)} values of {name!r} for {len(bands)} bands")
            flags = np.array([float(item) for item in items])
            return np.asarray((flags != 0) if name == "bad_bands" else (flags == 0))
    return None


def generated(descriptions: Sequence[str | None], centres: npt.NDArray[np.float64] | None) -> bool:
    """Return whether descriptions only repeat the wavelengths, as our writer makes them."""
    return centres is not None and all(d == describe(w) for d, w in zip(descriptions, centres, strict=True))


def describe(nanometres: float) -> str:
    """Return the description of a band without a name."""
    return f"{nanometres:.10g} nm"


def _from_texts(texts: Sequence[str | None]) -> Spectrum | None:
    for pattern in (_WITH_UNIT, _NAMED):
        found = [pattern.search(text) if text else None for text in texts]
        matches = [match for match in found if match is not None]
        if matches and len(matches) == len(texts):
            units = {canonical(match.group(2)) for match in matches} if pattern is _WITH_UNIT else {""}
            if len(units) == 1:
                return spectrum([match.group(1) for match in matches], units.pop())
    return None


def _from_tags(dataset: Tags, bands: Sequence[Tags]) -> Spectrum:
    unit = next((dataset[name] for name in _UNITS if name in dataset), None)
    fwhm = _items(dataset.get("fwhm"))
    for name in _LISTS:
        own = [tags.get(name) for tags in bands]
        matches = [_PLAIN.match(text) if text else None for text in own]
        if bands and all(matches):
            units = next((bands[0][u] for u in _UNITS if u in bands[0]), None)
            widths = [tags.get("fwhm") for tags in bands]
            values = [match.group(1) for match in matches if match is not None]
            trailing = matches[0].group(2) if matches[0] is not None else ""
            return spectrum(values, units or trailing or unit, widths if all(widths) else None)
    for name in _LISTS:
        items = _items(dataset.get(name))
        if items is not None and len(items) == len(bands):
            return spectrum(items, unit, fwhm if fwhm is not None and len(fwhm) == len(bands) else None)
    return Spectrum()


def _numbered(dataset: Tags, count: int) -> list[str | None]:
    """Return the texts that GDAL's ENVI driver leaves as Band_1, Band_2, ..."""
    return [dataset.get(f"Band_{i + 1}") for i in range(count)]


def _items(text: Any) -> list[str] | None:
    if text is None:
        return None
    return [item for item in re.split(r"[\s,;]+", str(text).strip("{}[]() \n")) if item]


def _lower(tags: Iterable[tuple[str, str]] | Tags) -> dict[str, str]:
    return {name.lower(): text for name, text in dict(tags).items()}
