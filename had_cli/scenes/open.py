"""Opening scenes, truths and score maps: which reader, which bands, which part."""

from __future__ import annotations

import dataclasses
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import SceneError, SceneNotFoundError
from had_cli.files import printable
from had_cli.plugin.descriptions import Reader
from had_cli.publishing.scratch import sweep
from had_cli.scenes.background import Background
from had_cli.scenes.quality import choose_quality
from had_cli.scenes.scene import Scene
from had_cli.scenes.selection import parse_bands
from had_cli.scenes.source import SceneInfo, Source, Window
from had_cli.scenes.urls import file_name, is_remote, public
from had_cli.scenes.validity import Mask, nonzero

if TYPE_CHECKING:
    from had_cli.plugin.descriptions import Reader

Bands = str | Sequence[int] | npt.NDArray[np.intp]

# What GDAL takes that is no path: URLs, its virtual file systems, and DRIVER:name (not C:\name).
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]+://|/vsi|[A-Z][A-Za-z0-9_]+:")
_GDAL = "gdal"
POLYGONS = (".geojson", ".json", ".gpkg", ".shp")  # what is no raster, whatever GDAL makes of it
_RAW = {".bip", ".bil", ".bsq", ".raw", ".bin", ".dat", ".img", ".cube"}


def open_scene(
    path: str | Path,
    *,
    variable: str | None = None,
    truth_variable: str | None = None,
    bands: Bands | None = None,
    exclude_bands: Bands | None = None,
    window: Window | Sequence[int] | None = None,
    mask: str | Path | npt.ArrayLike | None = None,
    quality: str | Sequence[str] | None = None,
    background: str | Path | npt.ArrayLike | None = None,
    background_exclude: str | Path | npt.ArrayLike | None = None,
) -> Scene:
    """Open a scene; nothing but its metadata is read where the format allows that.

    Parameters
    ----------
    path
        A .mat, ENVI, GeoTIFF, .npy or .npz file, what a plugin reads, or a path or URL GDAL opens.
    variable, truth_variable
        Names of the cube and of the truth in a file of several arrays.
    bands, exclude_bands
        0-based indices, or text as on the command line (:func:`had_cli.scenes.selection.parse_bands`).
        Without ``bands``, those the file marks as bad are left out.
    window
        (col, row, width, height) of the part to use.
    mask
        rows x cols, of the whole scene or of the window, or a file of one: non-zero pixels take part.
    quality
        Quality masks of a product whose flagged pixels take no part, by name
        (:func:`had_cli.scenes.quality.choose_quality`); default: those that its reader has on.
    background
        The pixels of which a method takes the statistics of the background: as ``mask``, or a file of
        polygons (.geojson, .gpkg, .shp), in which the centres of pixels lie. All pixels are scored.
    background_exclude
        Pixels that are none of the background, in the same forms; of both, it decides.

    Raises
    ------
    SceneNotFoundError
        When there is no such file.
    SceneError
        When it cannot be read or the selection does not fit it.
    UsageError
        When the text of ``bands`` is not understood.
    """
    source = open_source(path, {"variable": variable, "truth_variable": truth_variable})
    try:
        layers = choose_quality(source.info, quality)
        scene = Scene(source, bands=choose_bands(source.info, bands, exclude_bands), quality=layers)
        full = scene.shape[:2]
        if window is not None:
            scene = scene.select(window=_window(scene.path, window))
        if mask is not None:
            scene = scene.select(mask=_mask(mask, scene, full))
        chosen = _background(scene, full, background, background_exclude)
        if chosen is not None:
            scene = scene.select(background=chosen)
    except BaseException:
        source.close()
        raise
    return scene


def open_truth(path: str | Path, shape: tuple[int, int], variable: str | None = None) -> Mask:
    """Return the rows x cols truth in a file, True where anomalous: non-zero, and not nodata.

    Raises
    ------
    SceneError
        When the file holds none, or one of another size than ``shape``.
    """
    truth = _layer(path, {"layer": "truth", "truth_variable": variable, "shapes": (tuple(shape),)})
    if truth.shape != tuple(shape):
        raise SceneError(
            f"{path}: the truth has {truth.shape[0]} x {truth.shape[1]} pixels, not {shape[0]} x {shape[1]}"
        )
    return truth


def open_scores(
    path: str | Path, variable: str | None = None
) -> tuple[npt.NDArray[np.floating[Any]], SceneInfo]:
    """Return a score map, rows x cols floats with NaN for nodata, and its metadata.

    Raises
    ------
    SceneError
        When the file cannot be read or holds more than one band.
    """
    source = open_source(path, {"layer": "scores", "variable": variable})
    try:
        info = source.info
        if info.shape[2] != 1:
            raise SceneError(
                f"{path}: holds {info.shape[2]} bands, a score map has one; is it the scene itself?"
            )
        stored = source.read(Window(0, 0, info.shape[1], info.shape[0]), None)
        scene = Scene(source, bands=np.arange(1))
        if not np.can_cast(stored.dtype, np.float32) and info.scale is None and info.offset is None:
            # float32 would tie scores that differ, and ties change the AUC
            scores = stored[..., 0].astype(np.float64)
            scores[np.isnan(scene.read()[..., 0])] = np.nan
            return scores, info
        return scene.read()[..., 0], info
    finally:
        source.close()


def open_source(path: str | Path, options: Mapping[str, Any]) -> Source:
    """Return the source of a file, by its suffix, else by what it looks like, else by GDAL.

    Raises
    ------
    SceneError
        When no reader knows the file.
    """
    from had_cli.plugin import host

    text = str(path)
    if not text:  # "$SCENE" of a variable that is not set
        raise SceneNotFoundError("a scene, a mask or a truth has an empty name; name a file")
    given = {name: value for name, value in options.items() if value is not None}
    if is_remote(text):
        _refuse_local_only(text)
        chosen = host.readers().get(_GDAL)
    elif _REMOTE.match(text) and not Path(text).exists():
        chosen = host.readers().get(_GDAL)
    else:
        chosen = _reader_of(Path(text), text)
    if chosen is None:
        raise _unknown(text)
    source: Source = host.resolve(chosen.open)(text, given)
    return source


def _reader_of(file: Path, text: str) -> Reader | None:
    """Return the reader of a file: one that recognises it, else one of its suffix, else one that sniffs."""
    from had_cli.plugin import host

    _refuse_no_file(file)
    readers = list(host.readers().values())
    fitting = [reader for reader in readers if file.suffix.lower() in reader.suffixes]
    for reader in fitting:
        if reader.recognise and host.resolve(reader.recognise)(text):
            return reader
    if file.is_dir():
        raise SceneError(f"{text}: is a folder; name a scene file in it")
    chosen = next((reader for reader in fitting if not reader.recognise), None)
    # GDAL goes last: it finds a raster in many a file that another reader knows better
    sniffing = sorted((r for r in readers if r.sniff), key=lambda r: r.name == _GDAL)
    return chosen or next((r for r in sniffing if host.resolve(str(r.sniff))(text)), None)


def _refuse_local_only(text: str) -> None:
    """Check that a URL names what GDAL reads: other readers take files of this machine."""
    from had_cli.plugin import host

    name = file_name(text)
    suffix = Path(name).suffix.lower()
    readers = host.readers().values()
    if suffix == ".hdr":
        raise SceneError(
            f"{public(text)}: is a header; name the data file beside it, which GDAL opens with it"
        )
    others = [reader for reader in readers if suffix in reader.suffixes and reader.name != _GDAL]
    shared = any(suffix in reader.suffixes for reader in readers if reader.name == _GDAL)
    for reader in others:
        # a product is known by its name; GDAL alone would read it without scale, masks and bad bands
        if not shared or (reader.recognise and host.resolve(reader.recognise)(name)):
            raise SceneError(
                f"{public(text)}: {reader.summary}: read from files of this machine only; "
                "download it and name the copy"
            )


def _refuse_no_file(file: Path) -> None:
    """Check that there is something to read; a folder may be a scene to a reader that recognises it."""
    if not file.exists():
        sweep(file.parent)  # a run may have been killed while it put the file into its place
    if not file.exists():
        raise SceneNotFoundError(f"{file}: there is no such file")
    if file.is_dir():
        return
    mode, size = file.stat().st_mode, file.stat().st_size
    if not stat.S_ISREG(mode):  # reading a pipe would wait for ever
        raise SceneError(f"{file}: is no regular file; a scene is read in any order, so save it as a file")
    if size == 0:
        raise SceneError(f"{file}: the file is empty; copy it again")


def _unknown(path: str) -> SceneError:
    """Return what to say of a file that no reader knows."""
    from had_cli.plugin import host

    if Path(path).suffix.lower() in _RAW:
        header = Path(path).with_suffix(".hdr").name
        return SceneError(
            f"{path}: holds raw values, whose size and type only a header tells; "
            f"put its ENVI header {header} beside it"
        )
    readers = host.readers().values()
    sharing = [r.summary for r in readers if r.recognise and Path(path).suffix.lower() in r.suffixes]
    known = ", ".join(sorted({suffix for reader in readers for suffix in reader.suffixes}))
    reads = f"of such files {' and '.join(sharing)}" if sharing else f"{known} and what GDAL opens"
    return SceneError(f"{path}: no reader knows this kind of file; had reads {reads}")


def choose_bands(
    info: SceneInfo, bands: Bands | None = None, exclude: Bands | None = None
) -> npt.NDArray[np.intp] | None:
    """Return the chosen 0-based indices, or None for the default: all that are not marked bad."""
    if bands is None and exclude is None:
        return None
    bad = info.bad_bands
    if bands is None:
        chosen = np.arange(info.shape[2]) if bad is None else np.flatnonzero(~bad)
    else:
        chosen = _indices(info, bands, excluding=False)
    if exclude is not None:
        chosen = np.setdiff1d(chosen, _indices(info, exclude, excluding=True))
    if not len(chosen):
        raise SceneError(f"{info.path}: no band is left; choose others with --bands or --exclude-bands")
    return chosen


def _indices(info: SceneInfo, bands: Bands, *, excluding: bool) -> npt.NDArray[np.intp]:
    count = info.shape[2]
    if isinstance(bands, str):
        bad = None if excluding else info.bad_bands
        try:
            return parse_bands(bands, count, info.wavelengths, bad, excluding=excluding)
        except SceneError as error:
            raise SceneError(f"{info.path}: {error}") from error
    index = np.unique(np.asarray(bands, dtype=np.intp))
    if len(index) and (index[0] < 0 or index[-1] >= count):
        raise SceneError(f"{info.path}: band indices must lie within 0 to {count - 1}")
    return index


def _window(path: str, window: Window | Sequence[int]) -> Window:
    if len(window) != 4:
        raise SceneError(f"{path}: a window is (col, row, width, height), not {tuple(window)}")
    return Window(*(int(value) for value in window))


def _background(scene: Scene, full: tuple[int, int], chosen: Any, exclude: Any) -> Background | None:
    """Return the background that files or masks choose and exclude, or None for none of either."""
    if chosen is None and exclude is None:
        return None
    mask, names = np.ones(scene.shape[:2], bool), []
    if chosen is not None:
        mask &= _pixels(chosen, scene, full)
        names.append(_called(chosen))
    if exclude is not None:
        mask &= ~_pixels(exclude, scene, full)
        names.append(f"without {_called(exclude)}")
    return Background(mask, " ".join(names))


def _called(given: Any) -> str:
    return printable(Path(given).name) if isinstance(given, str | Path) else "a mask"


def _pixels(given: Any, scene: Scene, full: tuple[int, int]) -> Mask:
    """Return rows x cols of the scene's window that polygons or a mask choose."""
    if isinstance(given, str | Path) and Path(given).suffix.lower() in POLYGONS:
        from had_cli.scenes.polygons import pixels_within, read_polygons

        return pixels_within(read_polygons(given), scene)
    return _mask(given, scene, full, "background")


def _mask(mask: str | Path | npt.ArrayLike, scene: Scene, full: tuple[int, int], what: str = "mask") -> Mask:
    part = scene.shape[:2]
    if isinstance(mask, str | Path):
        where = str(mask)
        valid = _layer(mask, {"layer": "mask", "shapes": (full, part)})
    else:
        where, array = what, np.asarray(mask)
        valid = nonzero(array)
    if valid.shape == full:
        return np.ascontiguousarray(valid[scene.window.rows, scene.window.cols])
    if valid.shape == part:
        return valid
    size = " x ".join(map(str, valid.shape))
    raise SceneError(
        f"{where}: the {what} has {size} pixels, the scene {full[0]} x {full[1]}; give one of its size"
    )


def _layer(path: str | Path, options: Mapping[str, Any]) -> Mask:
    """Return where a raster of one map is set, in any of its bands; nodata is not set."""
    source = open_source(path, options)
    try:
        bands = source.info.shape[2]
        if bands > 3:
            raise SceneError(f"{path}: holds {bands} bands, a {options['layer']} has one; is it a scene?")
        # as stored: scale and offset say nothing of whether a pixel is set
        source.info = dataclasses.replace(source.info, scale=None, offset=None)
        values = Scene(source, bands=np.arange(bands)).read()
        return np.asarray(nonzero(values).any(axis=2))
    finally:
        source.close()
