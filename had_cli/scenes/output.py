"""Writing rasters: all of it or nothing, and never over something else by accident."""

from __future__ import annotations

import contextlib
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import OutputError, OutputExistsError
from had_cli.files import printable, refuse_existing, written_whole
from had_cli.plugin.descriptions import Writer
from had_cli.scenes.source import SceneInfo, Sink, Window, stem

# Files that GDAL would read together with a raster of this name.
COMPANIONS = (".aux.xml", ".msk", ".ovr")

# The writer that --cog asks for, and tags that hold for a map as for its scene.
COG = "cog"
ACQUISITION = ("acquisition time", "cloud cover", "sensor type")


def default_output(scene: str | Path, method: str) -> Path:
    """Return ``<scene>_<method>.tif`` in the current directory, for a path or URL.

    What is not valid UTF-8 in the scene's name becomes ``_``, because GDAL writes no such names.
    """
    name = printable(stem(str(scene))).replace("\ufffd", "_")
    return Path(f"{name}_{method}.tif")


def map_info(scene: SceneInfo, *, layers: int = 1, tags: Mapping[str, str] | None = None) -> SceneInfo:
    """Return the metadata of a float32 map over a scene: its place and time, NaN as nodata."""
    rows, cols, _ = scene.shape
    return SceneInfo(
        path=scene.path,
        format=scene.format,
        shape=(rows, cols, layers),
        dtype=np.dtype(np.float32),
        nodata=float("nan"),
        crs=scene.crs,
        transform=scene.transform,
        tags={**{name: scene.tags[name] for name in ACQUISITION if name in scene.tags}, **(tags or {})},
    )


def check_raster_path(path: Path, *, overwrite: bool = False, cog: bool = False) -> Writer:
    """Check before any work that a raster may be written to ``path``; return the writer of its suffix.

    With ``cog``, a cloud-optimised GeoTIFF.

    Raises
    ------
    OutputError
        When no writer knows the suffix, it is a folder, or its own folder is missing.
    OutputExistsError
        When it exists and ``overwrite`` is false.
    """
    writer = raster_writer(path, cog=cog)
    refuse_existing(path, overwrite=overwrite, store=writer.folder)
    _refuse_companions([], path, overwrite=overwrite)
    return writer


def raster_writer(path: Path, *, cog: bool = False) -> Writer:
    """Return the writer of the suffix of ``path``; with ``cog``, that of cloud-optimised GeoTIFF.

    Raises
    ------
    OutputError
        When no writer has it.
    """
    from had_cli.plugin import host

    if cog:
        chosen = host.writers()[COG]
        if path.suffix.lower() not in chosen.suffixes:
            raise OutputError(f"{path}: --cog makes a GeoTIFF; choose one of {', '.join(chosen.suffixes)}")
        return chosen
    writers = [writer for writer in host.writers().values() if writer.name != COG]
    writer = next((w for w in writers if path.suffix.lower() in w.suffixes), None)
    if writer is None:
        known = ", ".join(sorted({suffix for w in writers for suffix in w.suffixes}))
        raise OutputError(f"{path}: no format has the suffix {path.suffix!r}; choose one of {known}")
    return writer


@contextlib.contextmanager
def create_raster(
    path: str | Path, info: SceneInfo, dtype: npt.DTypeLike, *, overwrite: bool = False, cog: bool = False
) -> Iterator[Sink]:
    """Yield a sink for a raster of the format that ``path``'s suffix names.

    The file appears, complete, when the context is left; on any exception nothing is left behind.

    Parameters
    ----------
    info
        Shape and metadata of the raster; ``info.interleave`` is followed where the format has several.
    dtype
        Of the stored values; a format without it takes the next wider one.
    cog
        Make a GeoTIFF a cloud-optimised one, with overviews and statistics.

    Raises
    ------
    OutputError
        When the folder is missing or cannot be written to, or no writer knows the suffix.
    OutputExistsError
        When the file, or one that belongs to it, exists and ``overwrite`` is false.
    """
    from had_cli.plugin import host

    target = Path(path)
    writer = check_raster_path(target, overwrite=overwrite, cog=cog)
    companions = [target.name + suffix for suffix in COMPANIONS]
    with written_whole(target, companions=companions, overwrite=overwrite, store=writer.folder) as scratch:
        create = host.resolve(writer.create)
        sink = _Guarded(
            target,
            scratch,
            lambda: create(str(scratch), dataclasses.replace(info, dtype=np.dtype(dtype)), np.dtype(dtype)),
        )
        try:
            # writers lay out their files at once, so what belongs to the output is known now
            beside = [file.name for file in scratch.parent.iterdir()]
            _refuse_companions(beside, target, overwrite=overwrite)
            yield sink
        except BaseException:
            sink.abandon()
            raise
        sink.close()


class _Guarded:
    """A sink whose operating system errors say which file could not be written."""

    def __init__(self, target: Path, scratch: Path, create: Callable[[], Sink]) -> None:
        self._target, self._scratch = target, scratch
        with self._naming_the_file():
            self._sink = create()
        self.block: tuple[int, int] | None = getattr(self._sink, "block", None)
        self.keeps_truth = bool(getattr(self._sink, "keeps_truth", False))

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        with self._naming_the_file():
            self._sink.write(window, block)

    def close(self) -> None:
        with self._naming_the_file():
            self._sink.close()

    def abandon(self) -> None:
        """Release a file that is not wanted any more, without the work of finishing it."""
        with contextlib.suppress(OSError, OutputError):
            getattr(self._sink, "abandon", self._sink.close)()

    @contextlib.contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except OutputError as error:  # of a writer, which knows its temporary name alone
            text = str(error).replace(str(self._scratch), str(self._target))
            raise OutputError(text) from error
        except OSError as error:
            raise OutputError(f"{self._target}: cannot be written ({error.strerror or error})") from error


def _refuse_companions(names: Sequence[str], target: Path, *, overwrite: bool) -> None:
    """Check that no other file of the output's set exists."""
    if overwrite:
        return
    for name in [*names, *(target.name + suffix for suffix in COMPANIONS)]:
        if os.path.lexists(target.parent / name):
            raise OutputExistsError(
                f"{target.parent / name}: exists already; give --overwrite or another name"
            )
