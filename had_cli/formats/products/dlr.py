"""What EnMAP and DESIS share: an image as GeoTIFF, METADATA.XML and quality rasters beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.formats.gdal import open_gdal
from had_cli.formats.products.hdf5 import Index
from had_cli.formats.products.masks import Raster
from had_cli.scenes.source import QualityLayer, SceneInfo, Source, Window

_PART = re.compile(r"-(SPECTRAL_IMAGE(_COG)?\.tiff?|METADATA\.xml)$", re.IGNORECASE)


@dataclass(frozen=True)
class Files:
    """The files of one scene, however their names are capitalised."""

    image: Path
    metadata: Path
    folder: dict[str, Path]
    scene: str

    def beside(self, part: str) -> Path | None:
        """Return the raster ``SCENE-PART.TIF``, or its cloud-optimised copy."""
        for end in (".tif", "_cog.tif", ".tiff"):
            found = self.folder.get(f"{self.scene}-{part}{end}".lower())
            if found is not None:
                return found
        return None


def files_of(path: str, mission: str) -> Files:
    """Return the files of the scene that ``path`` belongs to.

    Raises
    ------
    SceneError
        When the image or the metadata is missing.
    """
    given = Path(path)
    scene = _PART.sub("", given.name)
    folder = {file.name.lower(): file for file in given.parent.iterdir() if file.name.startswith(scene)}
    known = Files(image=given, metadata=given, folder=folder, scene=scene)
    metadata = folder.get(f"{scene}-metadata.xml".lower())
    image = given if given.suffix.lower() != ".xml" else known.beside("SPECTRAL_IMAGE")
    if metadata is None:
        raise SceneError(
            f"{path}: an image of {mission} needs {scene}-METADATA.XML beside it, which has its wavelengths"
        )
    if image is None:
        raise SceneError(f"{path}: the image {scene}-SPECTRAL_IMAGE.TIF does not lie beside it")
    return Files(image=image, metadata=metadata, folder=folder, scene=scene)


class DlrSource:
    """A source over a product's image; ``stated`` are fields of :class:`SceneInfo` that go before GDAL's."""

    def __init__(self, path: str, files: Files) -> None:
        self.files = files
        self._image: Source = open_gdal(str(files.image), {})
        self._rasters: list[Raster] = []
        self.info: SceneInfo = self._image.info
        self._path = path

    def check_bands(self, count: int) -> None:
        """Check that the metadata speak of as many bands as the image has.

        Raises
        ------
        SceneError
            When they do not.
        """
        bands = self.info.shape[2]
        if count != bands:
            raise SceneError(
                f"{self.files.metadata}: describes {count} bands, {self.files.image.name} has {bands}; "
                "download both again"
            )

    def raster(self, part: str) -> Raster | None:
        """Return the open raster ``SCENE-PART.TIF``, or None where there is none."""
        found = self.files.beside(part)
        if found is None:
            return None
        opened = Raster(found, self.info.shape[:2])
        self._rasters.append(opened)
        return opened

    def extra_files(self) -> tuple[str, ...]:
        """Return the files of the scene but the one that was named."""
        rasters = [self.files.folder[raster.name.lower()] for raster in self._rasters]
        every: Sequence[Path] = (self.files.image, self.files.metadata, *rasters)
        return tuple(str(file) for file in every if str(file) != self._path)

    def read(self, window: Window, bands: Index | None) -> npt.NDArray[Any]:
        """Return height x width x bands."""
        return self._image.read(window, bands)

    def valid(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """Return what the image itself masks, or None."""
        return self._image.valid(window)

    def close(self) -> None:
        """Release the files."""
        self._image.close()
        for raster in self._rasters:
            raster.source.close()


def missing_note(layers: Sequence[QualityLayer], parts: str) -> tuple[str, ...]:
    """Return a note where no quality raster was found."""
    return () if layers else (f"no {parts} lies beside it: clouds are not masked",)
