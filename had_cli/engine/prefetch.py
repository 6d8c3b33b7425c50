"""Reading ahead: the next block is read while the present one is computed."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def prefetch(function: Callable[[A], B], items: Iterable[A], *, ahead: int = 1) -> Iterator[B]:
    """Yield ``function(item)`` in order, computed in one thread that is ``ahead`` results ahead.

    At most ``ahead`` + 2 results exist at a time: one in use, ``ahead`` waiting, one being made. An
    error in the thread is raised here; leaving the iteration early stops the thread.
    """
    results: queue.Queue[tuple[B | None, BaseException | None]] = queue.Queue(maxsize=ahead)
    stop = threading.Event()

    def hand_over(result: B | None, error: BaseException | None) -> None:
        while not stop.is_set():
            try:
                return results.put((result, error), timeout=0.1)
            except queue.Full:
                continue

    def work() -> None:
        try:
            for item in items:
                if stop.is_set():
                    return
                hand_over(function(item), None)
        except BaseException as error:  # noqa: BLE001 - raised again in the consumer's thread
            hand_over(None, error)
        else:
            hand_over(None, StopIteration())

    thread = threading.Thread(target=work, name="had-reader", daemon=True)
    thread.start()
    try:
        while True:
            result, error = results.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield result  # type: ignore[misc]  # None stands only beside an error
            del result  # or the consumer's block would live on while the next is fetched
    finally:
        stop.set()
        thread.join()
