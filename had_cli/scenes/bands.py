"""Spectra of one band grid on another: what makes one set of weights usable on any sensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError, WeightsError
from had_cli.scenes.scene import Scene

# Beyond the first factor between the numbers of bands, interpolation invents or skips most of a
# spectrum: the user is told. Beyond the second, the result would be no spectrum of the scene.
DOUBTFUL = 2.0
SENSELESS = 8.0
# Wavelengths that must lie within the scene's range: extending more than half of a grid is guessing.
COVERED = 0.5


@dataclass(frozen=True)
class BandGrid:
    """The bands that spectra are given in.

    Attributes
    ----------
    bands : how many
    wavelengths : (bands,) band centres in nanometres, or None where they are not known
    """

    bands: int
    wavelengths: npt.NDArray[np.float64] | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        centres = self.wavelengths
        if self.bands < 1 or (centres is not None and centres.shape != (self.bands,)):
            raise ValueError(f"{self.bands} bands do not fit the wavelengths given")

    @classmethod
    def of(cls, scene: Scene) -> BandGrid:
        """Return the grid of a scene's selected bands."""
        return cls(scene.shape[2], scene.wavelengths)

    @classmethod
    def from_header(cls, header: Mapping[str, Any]) -> BandGrid:
        """Return the grid that the header of a weights file names.

        Raises
        ------
        WeightsError
            When the header names none, or nonsense.
        """
        try:
            centres = header.get("wavelengths")
            bands = header["bands"]
            if isinstance(bands, bool) or not isinstance(bands, int):
                raise TypeError(bands)  # noqa: TRY301 - one reason among several
            grid = cls(bands, None if centres is None else np.asarray(centres, np.float64))
            if centres is not None and not np.isfinite(np.asarray(centres, np.float64)).all():
                raise ValueError("wavelengths")  # noqa: TRY301
        except (KeyError, TypeError, ValueError) as error:
            raise WeightsError("the header of these weights names no valid band grid") from error
        return grid

    def header(self) -> dict[str, Any]:
        """Return the grid as values for the header of a weights file."""
        centres = self.wavelengths
        return {"bands": self.bands, "wavelengths": None if centres is None else centres.tolist()}


@dataclass(frozen=True, eq=False)
class Resampling:
    """A linear map from the spectra of one grid to those of another.

    Attributes
    ----------
    matrix : (bands of the scene, bands of the grid) float32, columns sum to 1; None where the grids
        are the same
    how : ``none``, ``wavelength`` or ``index``
    doubts : what the user must know of the result, one line each
    """

    matrix: npt.NDArray[np.float32] | None
    how: str
    doubts: tuple[str, ...] = ()

    def __call__(self, spectra: Any, xp: Any = np) -> Any:
        """Return (..., bands of the grid) of (..., bands of the scene) spectra, an array of ``xp``."""
        if self.matrix is None:
            return spectra
        import array_api_compat

        return spectra @ xp.asarray(self.matrix, device=array_api_compat.device(spectra))

    def warn_of_differences(self, warn: Callable[[str], None], name: str = "") -> None:
        """Hand every doubt to ``warn``, with the name of the scene where it would not be clear."""
        for line in self.doubts:
            warn(f"{name}: {line}" if name else line)


def resampling(scene: BandGrid, grid: BandGrid, *, name: str = "the scene") -> Resampling:
    """Return the map from a scene's spectra to a network's grid.

    Where both know their wavelengths, spectra are interpolated linearly between band centres; beyond
    the scene's first and last centre they are held constant. Otherwise they are interpolated linearly
    along the band index, first band to first band and last to last. Bands of the same centre share
    their weight, and centres may come in any order.

    Raises
    ------
    SceneError
        When one grid has more than 8 times as many bands as the other, or the scene covers less
        than half of the grid's wavelengths.
    """
    factor = max(scene.bands, grid.bands) / min(scene.bands, grid.bands)
    if factor > SENSELESS:
        raise SceneError(
            f"{name}: {scene.bands} bands cannot stand for the {grid.bands} of the network (a factor of "
            f"{factor:.1f}, at most {SENSELESS:g} makes sense); choose other weights, or bands with --bands"
        )
    doubts = []
    if factor > DOUBTFUL:
        doubts.append(
            f"{scene.bands} bands are resampled to the {grid.bands} of the network, a factor of "
            f"{factor:.1f}: scores may say little"
        )
    if scene.wavelengths is None or grid.wavelengths is None:
        if scene.bands == grid.bands:
            return Resampling(None, "none")
        positions = np.linspace(0, scene.bands - 1, grid.bands)
        return Resampling(_interpolation(np.arange(scene.bands), positions), "index", tuple(doubts))
    if scene.bands == grid.bands and np.array_equal(scene.wavelengths, grid.wavelengths):
        return Resampling(None, "none")
    outside = _outside(scene.wavelengths, grid.wavelengths)
    if outside.mean() > 1 - COVERED:
        raise SceneError(
            f"{name}: covers {_range(scene.wavelengths)}, the network wants {_range(grid.wavelengths)}; less "
            "than half of its bands are there: choose other weights"
        )
    if outside.any():
        doubts.append(
            f"the scene covers {_range(scene.wavelengths)}: {outside.sum()} of the network's {grid.bands} "
            "bands lie outside and take the value of the nearest band"
        )
    return Resampling(_interpolation(scene.wavelengths, grid.wavelengths), "wavelength", tuple(doubts))


def _interpolation(known: npt.NDArray[Any], wanted: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the (known, wanted) matrix of linear interpolation, constant beyond the ends."""
    centres, group = np.unique(known, return_inverse=True)
    members = np.bincount(group)
    above = np.clip(np.searchsorted(centres, wanted), 1, max(len(centres) - 1, 1))
    matrix = np.zeros((len(centres), len(wanted)))
    column = np.arange(len(wanted))
    if len(centres) == 1:
        matrix[0] = 1
    else:
        below = above - 1
        share = np.clip((wanted - centres[below]) / (centres[above] - centres[below]), 0, 1)
        matrix[below, column] = 1 - share
        matrix[above, column] = share
    return (matrix / members[:, None])[group].astype(np.float32)


def _outside(scene: npt.NDArray[np.float64], grid: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which bands of the grid lie beyond the scene's ends by more than half a band."""
    ordered = np.unique(scene)
    slack = 0.5 * np.median(np.diff(ordered)) if len(ordered) > 1 else 0.0
    return np.asarray((grid < ordered[0] - slack) | (grid > ordered[-1] + slack))


def _range(wavelengths: npt.NDArray[np.float64]) -> str:
    return f"{wavelengths.min():g} to {wavelengths.max():g} nm"
