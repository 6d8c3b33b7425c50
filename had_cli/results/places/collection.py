"""The places of a score map together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.results.places.ground import Ground
from had_cli.results.places.place import Place

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Places:
    """The places of a score map, highest peak first.

    Attributes
    ----------
    places : by rank
    mask : rows x cols, True on the pixels of the places
    ground : where pixels lie on the Earth; of a map without coordinate system, nowhere
    notes : one line each
    """

    places: tuple[Place, ...]
    mask: Mask = field(repr=False)
    ground: Ground = field(repr=False)
    notes: tuple[str, ...] = ()

    def to_json(self) -> list[dict[str, Any]]:
        """Return the places as JSON values, without their outlines."""
        return [place.to_json() for place in self.places]

    def to_geojson(self) -> dict[str, Any]:
        """Return the document that :meth:`save` writes as .geojson."""
        from had_cli.results.places.geojson import document

        return document(self.places, self.ground)

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the places as polygons: .geojson (in WGS84), .gpkg or .shp (in the scene's system).

        Raises
        ------
        OutputExistsError
            When ``path`` exists and ``overwrite`` is false.
        OutputError
            When it cannot be written, has another suffix, or GeoPackage lacks its library.
        """
        from had_cli.results.places.writing import save

        return save(self.places, self.ground, Path(path), overwrite=overwrite)
