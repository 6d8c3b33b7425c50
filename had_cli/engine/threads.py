"""Several blocks at once: a thread per core.

While a run lasts, BLAS has one thread for each (the executor sees to it). Blocks are large and numpy
computes without the interpreter's lock, so this uses the cores better than threads inside BLAS do:
element-wise work and small factorisations run in parallel too. Results do not depend on the number
of cores: each block is computed by one thread, and results are taken in the order of the scene.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

MOST = 16  # more threads than that wait for memory, and every one holds a block


def cores() -> int:
    """Return the number of blocks to compute at once: the cores this process may use.

    ``OMP_NUM_THREADS`` lowers it, as it does for BLAS.
    """
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdigit() and int(asked) > 0:
        usable = min(usable, int(asked))
    return min(usable, MOST)


def ordered(function: Callable[[A], B], items: Iterable[A], workers: Callable[[], int]) -> Iterator[B]:
    """Yield ``function(item)`` in order; at most one item more than ``workers()`` is under way.

    With one worker the caller's thread computes. The number is asked for before every item: a pass that
    leaves a GPU goes on with the cores of the CPU.
    """
    pending: deque[Future[B]] = deque()
    with ExitStack() as stack:
        pool: ThreadPoolExecutor | None = None
        try:
            for item in items:
                many = workers()
                if many == 1 and not pending:
                    yield function(item)
                    continue
                if pool is None:
                    pool = stack.enter_context(ThreadPoolExecutor(many, "had-worker"))
                pending.append(pool.submit(function, item))
                while len(pending) > many:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
