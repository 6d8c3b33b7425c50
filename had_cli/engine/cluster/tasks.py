"""The functions that dask calls on a worker: they know the pass and its scene, and keep files open.

Each thread of a worker has its own copy of what it computes with and one handle for each file: sources and
networks are used by one thread at a time.
"""

from __future__ import annotations

import functools
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

from had_cli._version import __version__
from had_cli.engine.cluster.recipes import FileScene, Recipe, Strip
from had_cli.engine.cluster.work import Pass
from had_cli.engine.derived import averaged
from had_cli.engine.pairwise import Node
from had_cli.errors import HadError, SceneError, message
from had_cli.scenes.scene import Float, Scene
from had_cli.scenes.source import Window

P = ParamSpec("P")
T = TypeVar("T")

UNPACKED = 4  # things kept by a thread: a scene and a pass, and those whose merging may come late
MEMORY = 2**30  # bytes, at most, that a thread keeps of features computed on the way


@dataclass(frozen=True)
class Sent:
    """A scene or a pass on its way: it goes out once, and each thread that works with it unpacks it.

    Attributes
    ----------
    run : the detection it belongs to
    key : tells it from others
    data : it, pickled
    process : where it comes from
    """

    run: str
    key: str
    data: bytes
    process: tuple[str, int]
    version: str = __version__

    def __sizeof__(self) -> int:
        return len(self.data)  # so that dask knows what a copy costs


def here() -> tuple[str, int]:
    """Return this machine and process."""
    return socket.gethostname(), os.getpid()


def same(sent: Sent) -> Sent:
    """Return what was sent: as a task, so that it can be sent again when all workers that had it are lost."""
    return sent


def _told(function: Callable[P, T]) -> Callable[P, T]:
    """Let ``function`` say which worker it was that could not read."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except (SceneError, OSError) as error:
            failed = message(error)
        # out of the handler: what the system raised behind it does not survive the way to the client
        raise SceneError(f"worker {_name()}: {failed}")

    return run


@_told
def reduced(scene: Sent, done: Sent, first: int, pieces: Sequence[Window], *strips: Strip) -> list[Node[Any]]:
    """Return the merged result of pieces that follow one another from number ``first`` on."""
    with _desk(done) as desk:
        return desk.work(done).reduced(desk.scene(scene, strips), first, pieces)


def joined(done: Sent, first: list[Node[Any]], second: list[Node[Any]]) -> list[Node[Any]]:
    """Return the merged result of both; ``second`` follows ``first``."""
    with _desk(done) as desk:
        return desk.work(done).joined(first, second)


@_told
def mapped(
    scene: Sent, done: Sent, _first: int, pieces: Sequence[Window], *strips: Strip
) -> tuple[list[tuple[Window, Float]], int]:
    """Return the values of pieces with their places, and how many of them are valid."""
    with _desk(done) as desk:
        return desk.work(done).mapped(desk.scene(scene, strips), pieces)


@_told
def read(scene: Sent, windows: Sequence[Window], *strips: Strip) -> list[Float]:
    """Return the pixels of windows."""
    with _desk(scene) as desk:
        found = desk.scene(scene, strips)
        return [found.stored(window).pixels(window) for window in windows]


@_told
def averages(scene: Sent, window: Window, factor: int, *strips: Strip) -> Strip:
    """Return a strip of the averages over squares; ``window`` begins with a row of them."""
    with _desk(scene) as desk:
        cube = desk.scene(scene, strips).stored(window).pixels(window)
        return window.row // factor, averaged(cube, factor)


def forget(run: str) -> None:
    """Close what threads of this worker hold open for a run; those at work do so when they are done."""
    with _lock:
        gone = [_desks.pop(place) for place in list(_desks) if place[0] == run]
        _threads.release(run)
    for desk in gone:
        desk.leave()


class _Desk:
    """What one thread holds for a run."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._left = False
        self._unpacked: dict[str, Any] = {}
        self._files: dict[str, Scene] = {}
        self._shown: tuple[str, Scene] | None = None

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with self._busy:
            yield
            if self._left:
                self._close()

    def leave(self) -> None:
        """Close the files, now or when the thread is done."""
        self._left = True
        if self._busy.acquire(blocking=False):
            self._close()
            self._busy.release()

    def work(self, sent: Sent) -> Pass:
        """Return the pass that was sent."""
        found: Pass = self._unpack(sent)
        return found

    def scene(self, sent: Sent, strips: Sequence[Strip]) -> Scene:
        """Return the scene that was sent, open; one that is computed stays, for it remembers what it has."""
        recipe: Recipe = self._unpack(sent)
        if strips:
            return recipe.open(strips, self, MEMORY)
        if self._shown is None or self._shown[0] != sent.key:
            self._shown = sent.key, recipe.open((), self, MEMORY)
        return self._shown[1]

    def _unpack(self, sent: Sent) -> Any:
        if sent.key not in self._unpacked:
            if len(self._unpacked) == UNPACKED:
                del self._unpacked[next(iter(self._unpacked))]
            self._unpacked[sent.key] = pickle.loads(sent.data)  # noqa: S301 - as all that dask's clients send
            _threads.limit(sent)
        return self._unpacked[sent.key]

    def opened(self, recipe: FileScene) -> Scene:
        """Return the scene of a file, opened once."""
        if recipe.key not in self._files:
            try:
                self._files[recipe.key] = recipe.read()
            except (HadError, OSError) as error:
                raise SceneError(
                    f"cannot use the scene: {message(error)}; put it where every worker finds it under the "
                    "same path, or give a URL"
                ) from error
        return self._files[recipe.key]

    def _close(self) -> None:
        for scene in self._files.values():
            scene.close()
        self._files, self._unpacked, self._shown = {}, {}, None


class _Threads:
    """One thread of linear algebra for each thread of a worker, as long as a run is at work in it."""

    def __init__(self) -> None:
        self._runs: set[str] = set()
        self._limits: list[Any] = []
        self._torch: int | None = None

    def limit(self, sent: Sent) -> None:
        """Keep libraries to one thread; those that were loaded since the last pass, too."""
        if sent.process == here():  # the run in this process has seen to it
            return
        with _lock:
            self._runs.add(sent.run)
            self._limits.append(threadpool_limits(1, user_api="blas"))
            torch = sys.modules.get("torch")
            if torch is not None and self._torch is None:
                self._torch = torch.get_num_threads()
                torch.set_num_threads(1)

    def release(self, run: str) -> None:
        """Give the threads back with the last run."""
        self._runs.discard(run)
        if self._runs:
            return
        while self._limits:
            self._limits.pop().restore_original_limits()
        if self._torch is not None:
            sys.modules["torch"].set_num_threads(self._torch)
            self._torch = None


_lock = threading.Lock()
_desks: dict[tuple[str, int], _Desk] = {}
_threads = _Threads()


@contextmanager
def _desk(sent: Sent) -> Iterator[_Desk]:
    """Return the context in which this thread works at its desk."""
    if sent.version != __version__:
        raise HadError(
            f"worker {_name()} has had {__version__}, and this is {sent.version}; install the same version"
        )
    with _lock:
        desk = _desks.setdefault((sent.run, threading.get_ident()), _Desk())
    with desk.at_work():
        yield desk


def _name() -> str:
    """Return the worker's address, and its machine."""
    from distributed import get_worker

    return f"{get_worker().address} on {socket.gethostname()}"
