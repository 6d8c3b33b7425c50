"""What a method sees of the engine.

A detector is a short program of *block reductions* (minimum and maximum, moments, ...) and *block
maps*. It asks its :class:`Run` for them and never reads pixels itself, so one text serves a cube in
memory, a file larger than memory, and a cluster::

    def detect(run, params):
        statistics = run.reduce(Moments())
        return run.map(Distance(statistics))
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the scene with its halo, on the device.

    Attributes
    ----------
    cube : rows x cols x bands float32, an array of ``xp``; where not ``valid`` the values are
        undefined and may be NaN
    valid : rows x cols bool, an array of ``xp``
    window : where ``cube`` lies in the scene, halo included
    core : the part of ``cube`` to be answered for, relative to ``cube``
    xp : the array namespace: numpy, or torch through array-api-compat
    """

    cube: Any
    valid: Any
    window: Window
    core: Window
    xp: Any

    def core_of(self, values: Any) -> Any:
        """Return the core's part of a rows x cols (x anything) array."""
        return values[self.core.rows, self.core.cols]


class Reduction(Protocol[T]):
    """A statistic of the valid pixels that can be computed in pieces.

    Must be picklable, and is called from several threads at a time.
    """

    def compute(self, pixels: Any, xp: Any) -> T:
        """Return the partial result of ``pixels``, n x bands float32 (n >= 1), in host memory."""
        ...

    def merge(self, first: T, second: T) -> T:
        """Return the result of both pieces together; ``first`` comes earlier in the scene."""
        ...


class BlockReduction(Protocol[T]):
    """A statistic of the valid pixels that needs to know where they lie. Must be picklable.

    It is called from several threads at a time. Each pixel of the scene is in the core of one block.
    """

    def compute(self, block: Block) -> T:
        """Return the partial result of the core of ``block``, in host memory; it has a valid pixel."""
        ...

    def merge(self, first: T, second: T) -> T:
        """Return the result of both pieces together; ``first`` comes earlier in the scene."""
        ...


class BlockMap(Protocol):
    """A function from a block to values of its core. Must be picklable."""

    def __call__(self, block: Block) -> Any:
        """Return core height x core width (x layers); what it says of invalid pixels is ignored."""
        ...


class Run(Protocol):
    """One detection: the scene, its device and the passes over it.

    Attributes
    ----------
    scene : the selected scene
    device : ``cpu``, ``cuda:0``, ...
    seed : for whatever the method draws at random
    weights : the loaded :class:`had_cli.weights.file.Weights`, or None
    """

    scene: Scene
    seed: int
    weights: Any

    @property
    def device(self) -> str:
        """Where blocks are computed now: a run may leave a device that it began on."""
        ...

    def reduce(self, reduction: Reduction[T], label: str = ..., *, background: bool = False) -> T:
        """Return the statistic over all valid pixels.

        With ``background``, over those of them that the user chose as background, if any were chosen: for a
        method that says ``background=True`` in its description.

        Pieces follow from the scene alone and are merged pairwise in its order, so the result does not
        depend on timing, free memory, the number of cores or the engine.

        Raises
        ------
        SceneError
            When the scene, or the background, has no valid pixel.
        """
        ...

    def reduce_blocks(
        self,
        reduction: BlockReduction[T],
        *,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
        label: str = ...,
    ) -> T:
        """Return a statistic of what is computed from pixels and their surroundings, over all valid pixels.

        It is to :meth:`map` what :meth:`reduce` is to pixels: ``map`` and then a statistic, without a
        map of many layers in between. Blocks are cut, and options mean, as for :meth:`map`; pieces are
        merged as by :meth:`reduce`.

        Raises
        ------
        SceneError
            When the scene has no valid pixel.
        """
        ...

    def map(
        self,
        function: BlockMap,
        *,
        layers: int = 1,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
        label: str = ...,
    ) -> npt.NDArray[np.float32]:
        """Return rows x cols (x layers, if more than one) float32, NaN at invalid pixels.

        Cores begin at multiples of ``align`` pixels, and each comes with ``halo`` pixels on every
        side, fewer at the scene's edge. ``cost`` is what ``function`` needs for itself, in bytes per
        pixel; it makes blocks smaller. On the CPU several threads call ``function`` at a time, with
        one BLAS thread each, unless ``parallel`` is false (for what uses all cores by itself).

        Raises
        ------
        SceneError
            When the scene has no valid pixel.
        """
        ...

    def allocate(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return an array to be filled, on disk when memory does not hold all that are alive.

        For what a method makes of its maps once it has them: go over both by rows.
        """
        ...

    def through(
        self, function: BlockMap, *, bands: int, halo: int = 0, cost: int = 0, label: str = ...
    ) -> Run:
        """Return a run over the scene as ``function`` shows it: core height x core width x ``bands``.

        So a detector for cubes serves for features: ``grx.score(run.through(network, bands=64), ...)``.
        In memory the features are computed once and kept; streamed or on a cluster, every pass computes them
        again. Either way in squares on a grid of the scene, so both give the same bytes. ``function`` has the
        device, or all cores, to itself.
        """
        ...

    def shrunk(self, factor: int, *, label: str = ...) -> Run:
        """Return a run over the scene averaged over squares of ``factor`` x ``factor`` pixels.

        A square is the mean of its valid pixels, and invalid where it has none; at the right and lower
        edge it holds what there is. So a method sees the scene at a coarser scale. The averages are
        computed once and kept.
        """
        ...

    def sample(self, count: int, *, background: bool = False) -> npt.NDArray[np.float32]:
        """Return up to about ``count`` valid pixels spread over the scene, n x bands.

        With ``background``, those of them that the user chose as background, if any were chosen.
        """
        ...

    def progress(self, label: str, fraction: float) -> None:
        """Say how far a work of the method's own is; passes over the scene tell it by themselves."""
        ...

    def warn(self, message: str) -> None:
        """Tell the user something that bears on the result; it also goes into the JSON."""
        ...

    def record(self, **facts: Any) -> None:
        """Add facts about the result (JSON values) to its tags and JSON."""
        ...
