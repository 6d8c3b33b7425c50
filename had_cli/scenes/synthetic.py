"""A synthetic airborne scene with known anomalies, for the demo and for trying things out.

The linear mixing model: every pixel is a mixture of smooth background spectra whose abundances vary
over distance, times an illumination factor, plus sensor noise. Small objects of two other materials
are mixed into it. Nothing is copied from a measured spectrum or an existing scene.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

Spectrum = npt.NDArray[np.float64]

NODATA = 65535
SCALE = 1e-4
"""Stored value times this is the reflectance."""

# (centre, width) of the water vapour bands in nanometres, where hardly any light reaches the ground
_WATER_VAPOUR = ((1390.0, 60.0), (1880.0, 90.0))
_SHORTEST, _LONGEST = 400.0, 2450.0


@dataclass(frozen=True, kw_only=True)
class SyntheticScene:
    """Pixels and metadata of a synthetic scene.

    Attributes
    ----------
    stored : rows x cols x bands uint16, reflectance times 10,000, ``NODATA`` outside the flight line
    truth : rows x cols bool, True where an object covers at least a part of the pixel
    wavelengths, fwhm : (bands,) nanometres
    bad_bands : (bands,) bool, True in the water vapour bands and at the detector's end
    """

    stored: npt.NDArray[np.uint16]
    truth: npt.NDArray[np.bool_]
    wavelengths: Spectrum
    fwhm: Spectrum
    bad_bands: npt.NDArray[np.bool_]


def synthesise(
    rows: int = 120, cols: int = 160, bands: int = 120, *, objects: int = 15, seed: int = 0
) -> SyntheticScene:
    """Return a scene of ``rows`` x ``cols`` x ``bands`` with ``objects`` anomalies.

    The same arguments give the same pixels. Most objects are smaller than a pixel or weakly mixed
    into it, and a few rocks that are rare but no objects compete with them, so no detector is
    expected to be perfect.
    """
    rng = np.random.default_rng(seed)
    wavelengths = np.linspace(_SHORTEST, _LONGEST, bands)
    background, rock, panels = _background(wavelengths), _rock(wavelengths), _panels(wavelengths)

    abundances = _abundances(rng, rows, cols, len(background))
    cube = abundances @ background
    # the same material differs from place to place: a slow change of tilt along the spectrum
    tilt = np.linspace(-1, 1, bands)
    cube *= 1 + 0.04 * _field(rng, rows, cols, 6)[..., None] * tilt
    for row, col in _places(rng, rows, cols, 4):
        cube[row, col] = 0.5 * cube[row, col] + 0.5 * rock

    truth = np.zeros((rows, cols), dtype=bool)
    inside = flight_line(rows, cols)
    for number, (row, col) in enumerate(_places(rng, rows, cols, objects, inside)):
        height, width = ((1, 1), (1, 1), (1, 2), (2, 2), (2, 3))[number % 5]
        area = (slice(row, row + height), slice(col, col + width))
        cover = rng.uniform(0.06, 0.3, size=(height, width, 1))
        cube[area] = (1 - cover) * cube[area] + cover * panels[number % len(panels)]
        truth[area] = True

    cube *= 1 + 0.12 * _field(rng, rows, cols, 10)[..., None]
    light = _transmission(wavelengths)
    # shot noise grows with the signal, and dividing by little light makes it large
    cube += (
        rng.normal(size=cube.shape)
        * (0.002 + 0.006 * np.sqrt(np.clip(cube, 0, None)))
        / np.maximum(light, 0.02)
    )

    stored = np.clip(np.rint(cube / SCALE), 0, NODATA - 1).astype(np.uint16)
    stored[~inside] = NODATA
    return SyntheticScene(
        stored=stored,
        truth=truth & inside,
        wavelengths=wavelengths,
        fwhm=np.full(bands, 1.1 * (_LONGEST - _SHORTEST) / (bands - 1)),
        bad_bands=(light < 0.5) | (wavelengths > 2420),
    )


def flight_line(rows: int, cols: int) -> npt.NDArray[np.bool_]:
    """Return the rows x cols mask of a strip flown at an angle: two corners hold no data."""
    y, x = np.mgrid[0:rows, 0:cols] / np.array([rows, cols]).reshape(2, 1, 1)
    along = x + 0.35 * y
    mask: npt.NDArray[np.bool_] = (along > 0.15) & (along < 1.2)
    return mask


def _bump(x: Spectrum, centre: float, width: float) -> Spectrum:
    return np.exp(-0.5 * ((x - centre) / width) ** 2)


def _step(x: Spectrum, centre: float, width: float) -> Spectrum:
    return 1 / (1 + np.exp(-(x - centre) / width))


def _transmission(x: Spectrum) -> Spectrum:
    """Return the part of sunlight that passes the water vapour twice, (bands,)."""
    depth = sum((8 * _bump(x, centre, width / 2) for centre, width in _WATER_VAPOUR), np.zeros_like(x))
    return np.exp(-depth)


def _background(x: Spectrum) -> Spectrum:
    """Return the background's reflectances, materials x bands: leaves, dry grass, soil, asphalt, water."""
    liquid_water = 1 - 0.5 * _bump(x, 1450, 60) - 0.65 * _bump(x, 1940, 80) - 0.1 * _bump(x, 1190, 40)
    leaves = (
        (0.04 + 0.06 * _bump(x, 550, 35) + 0.44 * _step(x, 715, 14))
        * liquid_water
        * (1 - 0.45 * _step(x, 1500, 250))
    )
    dry_grass = (0.06 + 0.34 * _step(x, 700, 130)) * (
        1 - 0.2 * _bump(x, 1940, 70) - 0.12 * _bump(x, 2100, 60)
    )
    soil = (0.05 + 0.3 * _step(x, 800, 260)) * (1 - 0.1 * _bump(x, 1940, 60) - 0.14 * _bump(x, 2205, 30))
    asphalt = 0.07 + 0.06 * (x - _SHORTEST) / (_LONGEST - _SHORTEST)
    water = 0.01 + 0.06 * _bump(x, 480, 120)
    return np.stack([leaves, dry_grass, soil, asphalt, water])


def _rock(x: Spectrum) -> Spectrum:
    """Return a bright iron-bearing rock, (bands,)."""
    return (0.12 + 0.4 * _step(x, 620, 60)) * (1 - 0.3 * _bump(x, 900, 90))


def _panels(x: Spectrum) -> Spectrum:
    """Return the objects' reflectances, 2 x bands: a blue tarpaulin, and paint as green as leaves."""
    tarpaulin = (
        0.06
        + 0.3 * _bump(x, 460, 45)
        + 0.35 * _step(x, 800, 40) * (1 - 0.5 * _bump(x, 1730, 25) - 0.4 * _bump(x, 2310, 40))
    )
    paint = 0.05 + 0.07 * _bump(x, 545, 40) + 0.36 * _step(x, 745, 22) * (1 - 0.15 * _bump(x, 1720, 60))
    return np.stack([tarpaulin, paint])


def _field(rng: np.random.Generator, rows: int, cols: int, distance: float) -> Spectrum:
    """Return a rows x cols Gaussian field of mean 0 and variance 1, correlated over ``distance`` pixels."""
    field = gaussian_filter(rng.normal(size=(rows, cols)), distance, mode="reflect")
    scaled: Spectrum = (field - field.mean()) / field.std()
    return scaled


def _abundances(rng: np.random.Generator, rows: int, cols: int, materials: int) -> Spectrum:
    """Return rows x cols x materials, adding up to one: patches with soft borders."""
    fields = np.stack(
        [_field(rng, rows, cols, 7) + 0.25 * _field(rng, rows, cols, 1) for _ in range(materials)], axis=-1
    )
    weights = np.exp(3 * fields)
    shares: Spectrum = weights / weights.sum(axis=-1, keepdims=True)
    return shares


def _places(
    rng: np.random.Generator, rows: int, cols: int, count: int, inside: npt.NDArray[np.bool_] | None = None
) -> list[tuple[int, int]]:
    """Return ``count`` different (row, col) that leave room for an object of 2 x 3 pixels.

    They stand on a coarse grid, shuffled, so that objects neither touch nor leave ``inside``.
    """
    grid = [(row, col) for row in range(4, rows - 6, 8) for col in range(4, cols - 6, 8)]
    free = [(row, col) for row, col in grid if inside is None or inside[row : row + 6, col : col + 7].all()]
    chosen = rng.choice(len(free), size=min(count, len(free)), replace=False)
    shift = rng.integers(0, 4, size=(len(chosen), 2))
    return [(free[i][0] + int(dy), free[i][1] + int(dx)) for i, (dy, dx) in zip(chosen, shift, strict=True)]
