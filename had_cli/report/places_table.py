"""The places of a score map as rows of the page's table."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.results.places import Place, Places, find_places
from had_cli.results.threshold import Threshold
from had_cli.scenes.scene import Scene

MOST_PLACES = 1_000
"""Places that are listed."""


def places_listed(
    scores: npt.NDArray[np.floating[Any]], start: Threshold, min_pixels: int, scene: Scene
) -> dict[str, Any]:
    """Return the places that reach the threshold ``start``, highest peak first, and what is said of them."""
    places, note = _found(scores, start, min_pixels, scene)
    return _listed(places, start, min_pixels, note)


def _found(
    scores: npt.NDArray[np.floating[Any]], start: Threshold, min_pixels: int, scene: Scene
) -> tuple[Places, str | None]:
    """Return the places and what is to be said of them."""
    info = scene.info
    places = find_places(scores, start, min_pixels=min_pixels, crs=info.crs, transform=info.transform)
    if len(places.places) <= MOST_PLACES:
        return find_places(scores, start, min_pixels=min_pixels, scene=scene), None
    return places, (
        f"The {MOST_PLACES:,} places of the highest peaks are listed of {len(places.places):,}, without "
        "their strongest bands; a higher threshold or --min-pixels leaves fewer, had threshold --vector "
        "writes all."
    )


def _listed(places: Places, start: Threshold, min_pixels: int, note: str | None) -> dict[str, Any]:
    count = len(places.places)
    least = f", {min_pixels} or more," if min_pixels > 1 else ""
    groups = "1 group" if count == 1 else f"{count:,} groups"
    explanation = (
        f"{groups} of connected pixels{least} at or above {start.value:.6g}, the threshold that this report "
        "starts with."
    )
    return {
        "rows": [_row(place) for place in places.places[:MOST_PLACES]],
        "count": count,
        "explanation": explanation,
        "note": note,
    }


def _row(place: Place) -> dict[str, Any]:
    names = ("rank", "peak", "mean", "pixels", "area_m2", "row", "col", "lon", "lat", "peak_row", "peak_col")
    row = {name: getattr(place, name) for name in names}
    bands = [
        (f"{band.wavelength_nm:.0f} nm" if band.wavelength_nm is not None else f"band {band.band}")
        + f" ({band.deviations:+.1f} sd)"
        for band in place.bands
    ]
    return {**row, "bands": ", ".join(bands) or None}
