"""The contract between ``had`` and a file format: what a reader returns and a writer takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError
from had_cli.scenes.urls import file_name

ENVI_DATA = {".img", ".dat", ".bsq", ".bil", ".bip", ".raw"}


def stem(path: str) -> str:
    """Return the name of a scene's path or URL without folder, query and suffix."""
    name = file_name(path)
    bare = PurePath(name).stem
    header = PurePath(name).suffix.lower() == ".hdr"  # NAME.img.hdr is the header of NAME.img
    return PurePath(bare).stem if header and PurePath(bare).suffix.lower() in ENVI_DATA else bare


class Window(NamedTuple):
    """A rectangle of pixels, in the order of GDAL's ``-srcwin``; 0-based, from the top left."""

    col: int
    row: int
    width: int
    height: int

    @property
    def rows(self) -> slice:
        """The rows as a slice."""
        return slice(self.row, self.row + self.height)

    @property
    def cols(self) -> slice:
        """The columns as a slice."""
        return slice(self.col, self.col + self.width)


@dataclass(frozen=True, kw_only=True)
class QualityLayer:
    """A mask that a product brings: clouds, saturated pixels, and so on.

    Attributes
    ----------
    name : what the user calls it, in lower case with dashes, such as ``dilated-cloud``
    read : ``read(window, bands)`` returns height x width bool, True where a pixel is flagged; ``bands``
        are the ascending 0-based indices in use, None means all, for masks that are kept by band
    default : whether flagged pixels are left out unless the user says otherwise
    summary : what it says and where it stands, in a few words
    """

    name: str
    read: Callable[[Window, npt.NDArray[np.intp] | None], npt.NDArray[np.bool_]]
    default: bool = True
    summary: str = ""


@dataclass(frozen=True, kw_only=True)
class Ortho:
    """A lookup table that puts the pixels of a sensor's own grid onto a map.

    Attributes
    ----------
    shape : (rows, cols) of the map
    crs, transform : of the map, as in :class:`SceneInfo`
    lookup : ``lookup(window)`` of the map returns two height x width integer arrays: row and column of the
        scene's pixel that lies there, 0-based, and -1 in both where none does
    """

    shape: tuple[int, int]
    crs: str | None
    transform: tuple[float, float, float, float, float, float] | None
    lookup: Callable[[Window], tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]


@dataclass(frozen=True, kw_only=True)
class SceneInfo:
    """Everything known of a scene but its pixels.

    Attributes
    ----------
    shape : (rows, cols, bands)
    dtype : the type stored in the file, in native byte order
    wavelengths, fwhm : (bands,) float64 in nanometres, or None
    bad_bands : (bands,) bool, True where the file marks the band as bad, or None
    nodata : a value, one value per band, or None; NaN is always invalid and need not be named
    scale, offset : (bands,) float64 or None; physical value = stored value * scale + offset
    crs : WKT, or None; transform: the six affine coefficients (a, b, c, d, e, f) in rasterio's order
        (x = a col + b row + c, y = d col + e row + f), or None
    block : natural (rows, cols) of a cheap read; None when any window costs the same
    truth : returns the (rows, cols) bool truth the file carries; None where it carries none
    quality : masks that the user may choose from; what is never data belongs into :meth:`Source.valid`
    ortho : how to put the scene onto a map, where it lies on a sensor's own grid with a lookup table;
        ``crs`` and ``transform`` are then None
    files : other files that the scene is read from, which no output may replace
    notes : what a reader decided for the user, one line each, to be shown to the user
    tags : free text carried along, e.g. the history of a score map
    """

    path: str
    format: str
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    wavelengths: npt.NDArray[np.float64] | None = None
    fwhm: npt.NDArray[np.float64] | None = None
    band_names: tuple[str, ...] | None = None
    bad_bands: npt.NDArray[np.bool_] | None = None
    nodata: float | tuple[float | None, ...] | None = None
    scale: npt.NDArray[np.float64] | None = None
    offset: npt.NDArray[np.float64] | None = None
    crs: str | None = None
    transform: tuple[float, float, float, float, float, float] | None = None
    interleave: str | None = None
    block: tuple[int, int] | None = None
    truth: Callable[[], npt.NDArray[np.bool_]] | None = None
    quality: tuple[QualityLayer, ...] = ()
    ortho: Ortho | None = None
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what no scene can be, so that a wrong header is told at once."""
        rows, cols, bands = self.shape
        if min(self.shape) < 1:
            raise SceneError(
                f"{self.path}: the scene is empty ({rows} rows x {cols} columns x {bands} bands)"
            )
        if self.dtype.kind not in "biuf":
            raise SceneError(
                f"{self.path}: {self.dtype} values are not supported; a scene holds integers or real numbers"
            )
        for name in ("wavelengths", "fwhm", "bad_bands", "scale", "offset", "band_names"):
            value = getattr(self, name)
            if value is not None and len(value) != bands:
                raise SceneError(f"{self.path}: {len(value)} values of {name} for {bands} bands")
        for name in ("wavelengths", "fwhm", "scale", "offset", "transform"):
            value = getattr(self, name)
            if value is not None and not np.isfinite(value).all():
                raise SceneError(f"{self.path}: {name} holds values that are not finite; correct the file")
        names = [layer.name for layer in self.quality]
        if len(set(names)) != len(names):
            raise SceneError(f"{self.path}: two quality masks have one name ({', '.join(names)})")

    @property
    def name(self) -> str:
        """The file's name without folder and suffix."""
        return stem(self.path)


@runtime_checkable
class Source(Protocol):
    """An open scene file, as returned by a reader."""

    info: SceneInfo

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands in the stored dtype and native byte order, unscaled.

        ``bands`` are ascending 0-based indices, None means all. Called from one thread at a time.
        A floating result may hold NaN; values equal to ``info.nodata`` are left as they are.
        """
        ...

    def valid(self, window: Window) -> npt.NDArray[np.bool_] | None:
        """Return the height x width mask the file itself carries (True: valid), or None."""
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@runtime_checkable
class FileSource(Source, Protocol):
    """A source whose values stand in a file as they are, so that reading them again is a copy from memory.

    The operating system keeps what was read of a file as long as there is memory. :meth:`read` may be called
    from several threads at a time.
    """

    def expect(self, window: Window, bands: npt.NDArray[np.intp] | None) -> None:
        """Let the system read a window into its memory, without waiting for it."""
        ...

    def in_memory(self, window: Window) -> bool:
        """Return whether the system has a window's beginning in its memory; False where it does not tell."""
        ...


class Sink(Protocol):
    """A raster being written, as returned by a writer.

    A sink may also have ``block``, the natural (rows, cols) of a cheap write; ``keeps_truth``, true
    where the format stores the truth as well; and ``abandon()``, which releases the file without the
    work of finishing it.
    """

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        """Store ``block``, height x width x bands. Windows come row by row and do not overlap."""
        ...

    def close(self) -> None:
        """Finish the file. What was not closed is discarded by the caller."""
        ...
