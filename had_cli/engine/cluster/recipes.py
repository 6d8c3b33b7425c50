"""Scenes as recipes: what a worker needs to know to open one by itself."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from had_cli.engine.derived import CELL
from had_cli.engine.executor import Executor
from had_cli.engine.run import BlockMap
from had_cli.errors import SceneError
from had_cli.scenes.open import open_source
from had_cli.scenes.scene import Float, Mask, Scene
from had_cli.scenes.source import SceneInfo, Window

Strip = tuple[int, Float]  # its first row, and its pixels


def _key() -> str:
    return uuid4().hex


class Recipe(Protocol):
    """How to open a scene; can be pickled."""

    def strips(self, first: int, stop: int) -> Strips | None:
        """Return which kept strips rows ``first`` to ``stop`` - 1 are made of, or None for none."""
        ...

    def open(self, kept: Sequence[Strip], files: Files, memory: int) -> Scene:
        """Return the scene; ``kept`` are the strips asked for, and ``memory`` bytes may stay in use."""
        ...


class Files(Protocol):
    """Scene files that are open already."""

    def opened(self, recipe: FileScene) -> Scene:
        """Return the scene of a file, opened at most once."""
        ...


@dataclass(frozen=True)
class Strips:
    """Strips ``first`` to ``stop`` - 1 of a scene that is kept."""

    scene: KeptScene
    first: int
    stop: int


@dataclass(frozen=True)
class FileScene:
    """A view of a scene in a file.

    Attributes
    ----------
    options : those of the reader
    bands, window, mask, origin : as in :class:`Scene`
    quality : names of the quality masks in use
    facts : what the file must be like, so that another one of its name is noticed
    key : tells a file that is open already
    """

    path: str
    options: Mapping[str, Any]
    bands: npt.NDArray[np.intp]
    window: Window
    mask: Mask | None
    quality: tuple[str, ...]
    facts: str
    origin: npt.NDArray[np.float64] | None
    key: str = field(default_factory=_key)

    @classmethod
    def of(cls, scene: Scene) -> FileScene:
        """Return the recipe of an open scene.

        Raises
        ------
        SceneError
            When the scene is no file: an array has no place that a worker could read.
        """
        if scene.options is None:
            raise SceneError(
                f"{scene.path}: is an array in this process, and workers read files; save it (as .npy, say) "
                "and open that"
            )
        path = scene.path
        return cls(
            os.path.abspath(path) if Path(path).exists() else path,  # noqa: PTH100 - links stay links
            dict(scene.options),
            scene.bands,
            scene.window,
            scene.mask,
            tuple(layer.name for layer in scene.quality),
            facts(scene.source.info),
            scene.origin,
        )

    def strips(self, _first: int, _stop: int) -> None:
        """Return None: pixels come of the file."""

    def open(self, _kept: Sequence[Strip], files: Files, _memory: int) -> Scene:
        """Return the scene that is open already, or open it."""
        return files.opened(self)

    def read(self) -> Scene:
        """Open the file.

        Raises
        ------
        SceneError
            When it cannot be opened, or is not the one that was meant.
        """
        source = open_source(self.path, self.options)
        if facts(source.info) != self.facts:
            source.close()
            raise SceneError(f"{self.path}: is another file here: its size, type or scale differ")
        layers = {layer.name: layer for layer in source.info.quality}
        quality = [layers[name] for name in self.quality]
        return Scene(
            source,
            bands=self.bands,
            window=self.window,
            mask=self.mask,
            quality=quality,
            origin=self.origin,
        )


@dataclass(frozen=True)
class Through:
    """A scene as a block map shows it; see :meth:`had_cli.engine.run.Run.through`."""

    base: Recipe
    function: BlockMap
    bands: int
    halo: int
    cost: int

    def strips(self, first: int, stop: int) -> Strips | None:
        """Return what the cells that hold these rows are made of; the last may lie beyond the scene."""
        return self.base.strips(max(0, first // CELL * CELL - self.halo), -(-stop // CELL) * CELL + self.halo)

    def open(self, kept: Sequence[Strip], files: Files, memory: int) -> Scene:
        """Return the scene whose pixels are computed when they are read."""
        run = Executor(self.base.open(kept, files, memory), stream=True, memory=memory)
        return run.through(self.function, bands=self.bands, halo=self.halo, cost=self.cost).scene


@dataclass(frozen=True)
class KeptScene:
    """A scene that workers hold in memory, in strips of ``height`` rows."""

    info: SceneInfo
    height: int
    key: str = field(default_factory=_key)

    def strips(self, first: int, stop: int) -> Strips:
        """Return the strips that hold these rows."""
        stop = min(stop, self.info.shape[0])
        return Strips(self, first // self.height, -(-stop // self.height))

    def windows(self) -> list[Window]:
        """Return the strips in their order."""
        rows, cols, _ = self.info.shape
        return [Window(0, row, cols, min(self.height, rows - row)) for row in range(0, rows, self.height)]

    def open(self, kept: Sequence[Strip], _files: Files, _memory: int) -> Scene:
        """Return the scene of which the strips given, each with its first row, are there."""
        return Scene(StripSource(self.info, kept))


class StripSource:
    """A source over strips of rows, each with its first row, that follow one another."""

    def __init__(self, info: SceneInfo, strips: Sequence[Strip]) -> None:
        self.info = info
        self._strips = strips

    def read(self, window: Window, bands: npt.NDArray[np.intp] | None) -> npt.NDArray[Any]:
        """Return height x width x bands."""
        parts = []
        for row, strip in self._strips:
            top, bottom = max(window.row, row), min(window.row + window.height, row + len(strip))
            if top < bottom:
                parts.append(strip[top - row : bottom - row, window.cols])
        block = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return block if bands is None else block[..., bands]

    def valid(self, window: Window) -> None:
        """Return None: invalid pixels are NaN already."""

    def close(self) -> None:
        """Do nothing: there is no file."""


def facts(info: SceneInfo) -> str:
    """Return a hash of what reading a scene depends on."""
    arrays = [None if array is None else array.tolist() for array in (info.scale, info.offset)]
    text = repr((info.shape, info.dtype.str, info.nodata, *arrays))
    return hashlib.sha256(text.encode()).hexdigest()
