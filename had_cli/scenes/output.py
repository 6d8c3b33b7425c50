"""Writing rasters: all of it or nothing, and never over something else by accident."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import OutputError, OutputExistsError
from had_cli.plugin.descriptions import Writer
from had_cli.scenes.source import SceneInfo, Sink, Window, stem

# Files that GDAL would read together with a raster of this name.
_COMPANIONS = (".aux.xml", ".msk", ".ovr")


def default_output(scene: str | Path, method: str) -> Path:
    """Return ``<scene>_<method>.tif`` in the current directory, for a path or URL."""
    return Path(f"{stem(str(scene))}_{method}.tif")


def map_info(scene: SceneInfo, *, layers: int = 1, tags: Mapping[str, str] | None = None) -> SceneInfo:
    """Return the metadata of a float32 map over a scene: its place on the ground, NaN as nodata."""
    rows, cols, _ = scene.shape
    return SceneInfo(
        path=scene.path,
        format=scene.format,
        shape=(rows, cols, layers),
        dtype=np.dtype(np.float32),
        nodata=float("nan"),
        crs=scene.crs,
        transform=scene.transform,
        tags=dict(tags or {}),
    )


def check_raster_path(path: Path, *, overwrite: bool = False) -> Writer:
    """Check before any work that a raster may be written to ``path``; return the writer of its suffix.

    Raises
    ------
    OutputError
        When no writer knows the suffix, it is a folder, or its own folder is missing.
    OutputExistsError
        When it exists and ``overwrite`` is false.
    """
    from had_cli.plugin import host

    writers = list(host.writers().values())
    writer = next((w for w in writers if path.suffix.lower() in w.suffixes), None)
    if writer is None:
        known = ", ".join(sorted({suffix for w in writers for suffix in w.suffixes}))
        raise OutputError(f"{path}: no format has the suffix {path.suffix!r}; choose one of {known}")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    _refuse_existing([path.name], path, overwrite=overwrite)
    if not path.parent.is_dir():
        raise OutputError(f"{path}: there is no folder {path.parent}; create it first")
    return writer


@contextlib.contextmanager
def create_raster(
    path: str | Path, info: SceneInfo, dtype: npt.DTypeLike, *, overwrite: bool = False
) -> Iterator[Sink]:
    """Yield a sink for a raster of the format that ``path``'s suffix names.

    The file appears, complete, when the context is left; on any exception nothing is left behind.

    Parameters
    ----------
    info
        Shape and metadata of the raster; ``info.interleave`` is followed where the format has several.
    dtype
        Of the stored values; a format without it takes the next wider one.

    Raises
    ------
    OutputError
        When the folder is missing or cannot be written to, or no writer knows the suffix.
    OutputExistsError
        When the file, or one that belongs to it, exists and ``overwrite`` is false.
    """
    from had_cli.plugin import host

    target = Path(path)
    writer = check_raster_path(target, overwrite=overwrite)
    with _folder_beside(target) as folder:
        scratch = folder / target.name
        create = host.resolve(writer.create)
        sink = _Guarded(
            target,
            lambda: create(str(scratch), dataclasses.replace(info, dtype=np.dtype(dtype)), np.dtype(dtype)),
        )
        try:
            # writers lay out their files at once, so what belongs to the output is known now
            _refuse_existing([file.name for file in folder.iterdir()], target, overwrite=overwrite)
            yield sink
        except BaseException:
            sink.abandon()
            raise
        sink.close()
        _publish(folder, target, overwrite=overwrite)


class _Guarded:
    """A sink whose operating system errors say which file could not be written."""

    def __init__(self, target: Path, create: Callable[[], Sink]) -> None:
        self._target = target
        with self._told():
            self._sink = create()
        self.block: tuple[int, int] | None = getattr(self._sink, "block", None)
        self.keeps_truth = bool(getattr(self._sink, "keeps_truth", False))

    def write(self, window: Window, block: npt.NDArray[Any]) -> None:
        with self._told():
            self._sink.write(window, block)

    def close(self) -> None:
        with self._told():
            self._sink.close()

    def abandon(self) -> None:
        """Release a file that is not wanted any more, without the work of finishing it."""
        with contextlib.suppress(OSError, OutputError):
            getattr(self._sink, "abandon", self._sink.close)()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OutputError:
            raise
        except OSError as error:
            raise OutputError(f"{self._target}: cannot be written ({error.strerror or error})") from error


@contextlib.contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """Yield a temporary folder on the output's file system; it is removed in the end."""
    if not target.parent.is_dir():
        raise OutputError(f"{target}: there is no folder {target.parent}; create it first")
    try:
        # a part of the name tells whose it is, and leaves room where the name is as long as can be
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name[:32]}.", dir=target.parent))
    except OSError as error:
        raise OutputError(
            f"{target}: the folder {target.parent} cannot be written to ({error.strerror})"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_existing(names: list[str], target: Path, *, overwrite: bool) -> None:
    if overwrite:
        return
    companions = [target.name + suffix for suffix in _COMPANIONS]
    for name in [*names, *companions]:
        if os.path.lexists(target.parent / name):
            raise OutputExistsError(
                f"{target.parent / name}: exists already; give --overwrite or another name"
            )


def _publish(folder: Path, target: Path, *, overwrite: bool) -> None:
    """Move the finished files to their place, the one the user named last."""
    files = sorted(folder.iterdir(), key=lambda file: file.name == target.name)
    _refuse_existing([file.name for file in files], target, overwrite=overwrite)
    written = {file.name for file in files}
    moved: list[Path] = []
    try:
        for suffix in _COMPANIONS:
            beside = target.with_name(target.name + suffix)
            if beside.name not in written and os.path.lexists(beside):
                beside.unlink()  # statistics or masks of the raster that is replaced
        for file in files:
            place = target.parent / file.name
            file.replace(place)
            moved.append(place)
    except OSError as error:
        for place in moved:
            place.unlink(missing_ok=True)
        raise OutputError(f"{target}: cannot be written ({error.strerror})") from error
