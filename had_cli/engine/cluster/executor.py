"""Passes over a scene on a cluster."""

from __future__ import annotations

import dataclasses
import pickle
import warnings
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, TypeVar
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from had_cli.engine.cluster import tasks
from had_cli.engine.cluster.cluster import Cluster, Future
from had_cli.engine.cluster.cutting import strip_height, tasks_of
from had_cli.engine.cluster.recipes import FileScene, KeptScene, Recipe, Through
from had_cli.engine.cluster.watching import RemoteSource, Watched
from had_cli.engine.cluster.work import OfBlocks, OfPixels, Pass, Scores
from had_cli.engine.derived import derived_info
from had_cli.engine.executor import Executor
from had_cli.engine.pairwise import Pairwise
from had_cli.engine.passes import Progress
from had_cli.engine.reading import stored_bytes
from had_cli.engine.run import BlockMap, BlockReduction, Reduction
from had_cli.scenes.background import Background
from had_cli.scenes.scene import Float, Scene
from had_cli.scenes.source import SceneInfo, Window

T = TypeVar("T")


class ClusterExecutor(Executor):
    """Runs block reductions and block maps on a cluster; implements :class:`had_cli.engine.run.Run`.

    Workers read their own windows. What passes through this process is what a method asks for: merged
    statistics, and values per pixel, which :meth:`map` puts into one array. Workers could write their tiles
    into a file instead; but methods go on to work with their maps, a score is a hundredth of the spectrum
    that it comes from, and a file that all can write needs a file system that all share.

    Parameters
    ----------
    scene
        What to work on: a file, unless ``recipe`` says how workers come by it.
    cluster
        Where to work.
    memory, results, seed, weights, progress, block_pixels, cost
        As for :class:`had_cli.engine.executor.Executor`; ``memory`` is that of results in this process.
    """

    def __init__(
        self,
        scene: Scene,
        cluster: Cluster,
        *,
        memory: int = 2**30,
        results: int | None = None,
        seed: int = 0,
        weights: Any = None,
        progress: Progress | None = None,
        block_pixels: int | None = None,
        cost: int = 0,
        recipe: Recipe | None = None,
        run: str | None = None,
    ) -> None:
        self._recipe = recipe or FileScene.of(scene)
        self._watched = Watched(scene.source)
        super().__init__(
            Scene(
                self._watched,
                bands=scene.bands,
                window=scene.window,
                mask=scene.mask,
                quality=scene.quality,
                options=scene.options,
                background=scene.background,
            ),
            stream=True,
            memory=memory,
            results=results,
            seed=seed,
            weights=weights,
            progress=progress,
            block_pixels=block_pixels,
            cost=cost,
        )
        self._cluster = cluster
        self._run = run or uuid4().hex
        self._strips: dict[str, list[Future]] = {}
        self._sent_scene: Future | None = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._strips.clear()
        self._sent_scene = None
        try:
            self._cluster.forget(self._run)
        finally:
            super().__exit__(kind, error, trace)

    @property
    def read_here(self) -> int:  # type: ignore[override]
        """How many pixels the method itself has read, in this process."""
        return self._watched.pixels

    # -- what a method calls --------------------------------------------------------------------
    def reduce(self, reduction: Reduction[T], label: str = "statistics", *, background: bool = False) -> T:
        """Return the statistic over all valid pixels; see :meth:`had_cli.engine.run.Run.reduce`."""
        chosen = self.scene.background if background else None
        work = OfPixels(reduction, None if chosen is None else chosen.mask)
        result: T = self._known(self._reduced(work, label), chosen)
        return result

    def reduce_blocks(
        self,
        reduction: BlockReduction[T],
        *,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
        label: str = "statistics",
    ) -> T:
        """Return a statistic of pieces; see :meth:`had_cli.engine.run.Run.reduce_blocks`."""
        work = OfBlocks(reduction, halo, align)
        found = self._reduced(work, label, halo=halo, align=align, cost=cost, parallel=parallel)
        result: T = self._known(found)
        return result

    def _reduced(self, work: OfPixels | OfBlocks, label: str, *, halo: int = 0, **cut: Any) -> Any:
        done = Pass(work, halo, self._cost)
        sent = self._send(done, label)
        tree = Pairwise(
            lambda first, second: self._cluster.submit(tasks.joined, sent, first, second, label=label)
        )

        def made() -> Iterator[tuple[int, Future]]:
            for pixels, future in self._tasks(tasks.reduced, sent, label, halo=halo, **cut):
                tree.add(future)
                yield pixels, future

        for _ in self._told(made(), label):
            pass
        return done.total(self._cluster.result(tree.result()))

    def map(
        self,
        function: BlockMap,
        *,
        layers: int = 1,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
        label: str = "scores",
    ) -> npt.NDArray[np.float32]:
        """Return rows x cols (x layers) of ``function``; see :meth:`had_cli.engine.run.Run.map`."""
        rows, cols, _ = self.scene.shape
        result = self.allocate((rows, cols, layers))
        sent = self._send(Pass(Scores(function, halo, align), halo, self._cost), label)
        counted = 0
        made = self._tasks(tasks.mapped, sent, label, halo=halo, align=align, cost=cost, parallel=parallel)
        for future in self._told(made, label):
            found, valid = self._cluster.result(future)
            for place, values in found:
                result[place.rows, place.cols] = values
            counted += valid
        self._valid[0] = max(self._valid[0], counted)
        if not counted:
            raise self._nothing_valid()
        return result[..., 0] if layers == 1 else result

    def through(
        self, function: BlockMap, *, bands: int, halo: int = 0, cost: int = 0, label: str = "features"
    ) -> ClusterExecutor:
        """Return the run of what ``function`` shows; see :meth:`had_cli.engine.run.Run.through`.

        Every pass computes it again, as where a scene is streamed.
        """
        del label
        recipe = Through(self._recipe, function, bands, halo, cost)
        return self._of(recipe, derived_info(self.scene, bands), self.scene.background)

    def shrunk(self, factor: int, *, label: str = "smaller") -> ClusterExecutor:
        """Return the run of the scene averaged by squares; see :meth:`had_cli.engine.run.Run.shrunk`.

        Workers keep the averages in their memory.
        """
        rows, cols, bands = self.scene.shape
        small = -(-rows // factor), -(-cols // factor), bands
        info = dataclasses.replace(derived_info(self.scene, bands), shape=small, block=None)
        kept = KeptScene(info, strip_height(small, factor, self._cluster.threads()))
        strips = self._strips[kept.key] = []

        def made() -> Iterator[tuple[int, Future]]:
            for strip in kept.windows():
                row = strip.row * factor
                window = Window(0, row, cols, min(strip.height * factor, rows - row))
                needed = self._needed(window.row, window.row + window.height)
                future = self._cluster.submit(
                    tasks.averages, self._scene_sent(), window, factor, *needed, label=label
                )
                strips.append(future)
                yield window.width * window.height, future

        for _ in self._told(made(), label):
            pass
        return self._of(kept, info)

    def _of(self, recipe: Recipe, info: SceneInfo, background: Background | None = None) -> ClusterExecutor:
        """Return a run over a scene that comes of this one; it shares warnings and facts."""

        def read(window: Window) -> Float:
            return run._read(window)

        run = ClusterExecutor(
            Scene(RemoteSource(info, read), background=background),
            self._cluster,
            memory=self.memory,
            seed=self.seed,
            weights=self.weights,
            progress=self._progress,
            block_pixels=self._block_pixels,
            cost=stored_bytes(self.scene),
            recipe=recipe,
            run=self._run,
        )
        run.warnings, run.facts = self.warnings, self.facts
        run._results, run._valid, run._strips = self._results, self._valid, self._strips
        return run

    # -- tasks ----------------------------------------------------------------------------------
    def _tasks(
        self,
        function: Any,
        sent: Future,
        label: str,
        *,
        halo: int = 0,
        align: int = 1,
        cost: int = 0,
        parallel: bool = True,
    ) -> Iterator[tuple[int, Future]]:
        """Yield (pixels, future) of the tasks of a pass, in the order of its pieces."""
        parts = self._partition(halo=halo, align=align, cost=cost, parallel=parallel)
        scene, first = self._scene_sent(), 0
        for pieces in tasks_of(parts, self.scene.shape[2], self._cluster.threads()):
            top = min(p.row for p in pieces) - halo
            bottom = max(p.row + p.height for p in pieces) + halo
            needed = self._needed(max(0, top), bottom)
            future = self._cluster.submit(function, scene, sent, first, pieces, *needed, label=label)
            first += len(pieces)
            yield sum(p.width * p.height for p in pieces), future

    def _told(self, made: Iterator[tuple[int, Future]], label: str) -> Iterator[Future]:
        """Yield the tasks that are done, in any order, and say how far the pass is."""
        rows, cols, _ = self.scene.shape
        self.progress(label, 0.0)
        finished = 0
        for pixels, future in self._cluster.finished(made):
            yield future
            finished += pixels
            self.progress(label, finished / (rows * cols))

    def _needed(self, first: int, stop: int) -> list[Future]:
        """Return the kept strips that these rows come of."""
        strips = self._recipe.strips(first, stop)
        return [] if strips is None else self._strips[strips.scene.key][strips.first : strips.stop]

    def _scene_sent(self) -> Future:
        if self._sent_scene is None:
            self._sent_scene = self._send(self._recipe, "scene")
        return self._sent_scene

    def _send(self, what: Any, label: str) -> Future:
        """Return a future of something large that many tasks need; workers copy it among themselves."""
        sent = tasks.Sent(self._run, uuid4().hex, pickle.dumps(what, 5), tasks.here())
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Sending large graph", UserWarning)  # once, and it is known
            return self._cluster.submit(tasks.same, sent, label=f"{label}, sent")

    # -- pixels ---------------------------------------------------------------------------------
    def _cubes(self, windows: Sequence[Window]) -> Iterator[Float]:
        """Yield the pixels of windows in their order, read by workers."""
        each = -(-len(windows) // self._cluster.threads())
        futures: list[Future] = []

        def made() -> Iterator[tuple[None, Future]]:
            for start in range(0, len(windows), each):
                part = windows[start : start + each]
                first, stop = min(w.row for w in part), max(w.row + w.height for w in part)
                needed = self._needed(first, stop)
                futures.append(
                    self._cluster.submit(tasks.read, self._scene_sent(), part, *needed, label="sample")
                )
                yield None, futures[-1]

        for _ in self._cluster.finished(made()):
            pass
        for future in futures:
            yield from self._cluster.result(future)

    def _read(self, window: Window) -> Float:
        return next(iter(self._cubes([window])))
