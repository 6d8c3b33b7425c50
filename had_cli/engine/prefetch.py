"""Reading ahead: the next block is read while the present one is computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterable
from typing import NoReturn, TypeVar

A = TypeVar("A")
B = TypeVar("B")


def prefetch(function: Callable[[A], B], items: Iterable[A], *, ahead: int = 1) -> Generator[B]:
    """Yield ``function(item)`` in order, computed in one thread that is ``ahead`` results ahead.

    At most ``ahead`` + 2 results exist at a time: one in use, ``ahead`` waiting, one being made. An
    error in the thread is raised here; leaving the iteration early stops the thread.
    """
    # what the thread hands over is a function that returns the result, or raises its error
    results: queue.Queue[Callable[[], B]] = queue.Queue(maxsize=ahead)
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(function, items, results, stop), daemon=True)
    thread.start()
    try:
        while True:
            try:
                result = results.get()()
            except _Finished:
                return
            yield result
            del result  # or this block would live on while the next is fetched
    finally:
        stop.set()
        thread.join()


class _Finished(Exception):  # noqa: N818 - no error: it ends the iteration
    pass


def _work(
    function: Callable[[A], B],
    items: Iterable[A],
    results: queue.Queue[Callable[[], B]],
    stop: threading.Event,
) -> None:
    def hand_over(item: Callable[[], B]) -> None:
        while not stop.is_set():
            try:
                results.put(item, timeout=0.1)
            except queue.Full:
                continue
            return

    try:
        for item in items:
            result = function(item)
            hand_over(lambda result=result: result)  # type: ignore[misc]
            del result
            if stop.is_set():
                return
    except BaseException as error:  # noqa: BLE001 - raised again where the results are used
        hand_over(_raiser(error))
    else:
        hand_over(_raiser(_Finished()))


def _raiser(error: BaseException) -> Callable[[], NoReturn]:
    def fail() -> NoReturn:
        raise error

    return fail
