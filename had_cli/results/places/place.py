"""One place: what is known of a group of connected anomalous pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from had_cli.scenes.source import Window

Ring = list[tuple[float, float]]
"""A closed ring of (x, y): the last point is the first."""

Polygons = list[list[Ring]]
"""Polygons, each an outer ring and the rings of its holes."""


FIELDS: dict[str, type] = {
    "rank": int,
    "pixels": int,
    "area_m2": float,
    "peak_score": float,
    "mean_score": float,
    "col": float,
    "row": float,
    "peak_col": int,
    "peak_row": int,
    "x": float,
    "y": float,
    "lon": float,
    "lat": float,
    **{
        f"{name}_{number}": kind
        for number in (1, 2, 3)
        for name, kind in (("band", int), ("nm", float), ("difference", float), ("deviations", float))
    },
}
"""Names and types of :meth:`Place.properties`."""


@dataclass(frozen=True, slots=True)
class BandDifference:
    """How a place differs from its surroundings in one band.

    Attributes
    ----------
    band : number in the scene's file, from 1
    wavelength_nm : of the band's centre, or None
    difference : mean of the place minus mean of the surroundings, in the scene's units
    deviations : the same in standard deviations of the surroundings
    """

    band: int
    wavelength_nm: float | None
    difference: float
    deviations: float

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON."""
        return {
            "band": self.band,
            "wavelength_nm": self.wavelength_nm,
            "difference": self.difference,
            "deviations": self.deviations,
        }


@dataclass(frozen=True, kw_only=True)
class Place:
    """A group of connected anomalous pixels.

    Attributes
    ----------
    rank : from 1, by falling peak score
    pixels : how many
    area_m2 : on the ellipsoid of WGS84; None without a coordinate system
    peak, mean : of the scores
    col, row : centroid in pixels, 0-based; whole numbers lie at pixel centres
    peak_col, peak_row : the pixel of the highest score
    x, y : centroid in the coordinates of the scene, or None without a transform
    lon, lat : centroid in degrees (WGS84), or None without a coordinate system
    window : the smallest rectangle around it
    outline : polygons in pixels, where pixel (0, 0) reaches from 0 to 1; parts that touch at a corner
        only are polygons of their own
    bands : the three bands in which its mean spectrum differs most from the surroundings; empty
        without the scene
    """

    rank: int
    pixels: int
    area_m2: float | None
    peak: float
    mean: float
    col: float
    row: float
    peak_col: int
    peak_row: int
    x: float | None
    y: float | None
    lon: float | None
    lat: float | None
    window: Window
    outline: Polygons
    bands: tuple[BandDifference, ...] = ()

    def properties(self) -> dict[str, Any]:
        """Return everything but the outline and the window, flat: the fields named in :data:`FIELDS`."""
        fields: dict[str, Any] = dict.fromkeys(FIELDS)
        fields |= {"peak_score": self.peak, "mean_score": self.mean}
        fields |= {name: getattr(self, name) for name in fields if hasattr(self, name)}
        for number, band in enumerate(self.bands[:3], start=1):
            fields[f"band_{number}"] = band.band
            fields[f"nm_{number}"] = band.wavelength_nm
            fields[f"difference_{number}"] = band.difference
            fields[f"deviations_{number}"] = band.deviations
        return fields

    def to_json(self) -> dict[str, Any]:
        """Return the place as JSON values, without its outline."""
        fields = {name: value for name, value in self.properties().items() if name[-2:-1] != "_"}
        return {**fields, "window": list(self.window), "bands": [band.to_json() for band in self.bands]}
