"""A cluster as the engine sees it: tasks go out, results come back, and what goes wrong is one line."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

from had_cli.errors import ClusterError, HadError

Future = Any  # of dask.distributed
Tell = Callable[[str], None]

logger = logging.getLogger(__name__)
GONE = "the scheduler is gone; start it again and repeat the run"
ANSWER = 10  # seconds to wait for one
AHEAD = 2  # tasks per thread that are under way
LEAST = 8  # and as many on the smallest cluster, so that no thread waits for this process
SEEN = 2.0  # seconds for which the number of threads is believed


class Cluster:
    """A client of a scheduler.

    Parameters
    ----------
    client
        A ``distributed.Client``.
    tell
        Called with a line that the user should know.
    local
        Whether workers run on this machine, for this run alone.
    """

    def __init__(self, client: Any, *, tell: Tell, local: bool = False) -> None:
        self.client, self.local = client, local
        self._tell = tell
        self._threads, self._asked = 0, 0.0
        self.address = str(client.scheduler.address)

    def threads(self) -> int:
        """Return how many tasks the workers compute at a time; wait where there is no worker."""
        told = False
        while not self._threads or time.monotonic() > self._asked + SEEN:
            self._threads = sum(self.workers().values())
            self._asked = time.monotonic()
            if not self._threads:
                if not told:
                    self._tell(f"no worker at {self.address} yet; waiting for one")
                told = True
                time.sleep(0.5)
        return self._threads

    def workers(self) -> dict[str, int]:
        """Return the threads of each worker, by its address."""
        with self.failures():
            found: dict[str, int] = self.client.nthreads(callback_timeout=ANSWER)
        return found

    def submit(self, function: Callable[..., Any], *args: Any, label: str) -> Future:
        """Return the future of ``function(*args)`` on a worker; futures among ``args`` are what they hold."""
        self._connected()
        with self.failures():
            return self.client.submit(function, *args, key=f"had {label}-{uuid4().hex}", pure=False)

    def finished(self, futures: Iterator[tuple[Any, Future]]) -> Iterator[tuple[Any, Future]]:
        """Yield (item, future) as they are done, in any order; a bounded number is under way.

        Parameters
        ----------
        futures
            Makes the tasks, one whenever there is room for it.
        """
        items: dict[Future, Any] = {}
        done: SimpleQueue[Future] = SimpleQueue()
        more = True
        while more or items:
            room = max(LEAST, AHEAD * self.threads()) - len(items)
            while more and room > 0:
                found = next(futures, None)
                if found is None:
                    more = False
                    break
                items[found[1]] = found[0]
                found[1].add_done_callback(done.put)
                room -= 1
            if items:
                future = self._next(done)
                yield items.pop(future), future

    def _next(self, done: SimpleQueue[Future]) -> Future:
        """Return the next task that has ended well."""
        while True:
            try:
                future = done.get(timeout=1)
            except Empty:
                self._connected()  # or what was sent while the scheduler died would be waited for
                continue
            if future.status != "finished":
                with self.failures():
                    future.result()  # raises what made it fail; a result stays where it is
            return future

    def result(self, future: Future) -> Any:
        """Return what a task computed."""
        with self.failures():
            return future.result()

    def forget(self, run: str) -> None:
        """Let workers close what they hold for a run; those that do not answer are gone."""
        from had_cli.engine.cluster.tasks import forget

        if self.local or self.client.status != "running":
            return
        try:
            # Client.run itself would wait for a scheduler that has just died until connecting times out
            self.client.sync(self.client._run, forget, run, on_error="ignore", callback_timeout=ANSWER)
        except (TimeoutError, OSError) as error:
            logger.info("workers were not told that the run has ended: %s", error)

    def _connected(self) -> None:
        """Check that the scheduler is there, which takes no time."""
        if self.client.status != "running":
            raise ClusterError(f"{self.address}: {GONE}")

    @contextmanager
    def failures(self) -> Iterator[None]:
        """Turn what dask raises of its own into one line."""
        from concurrent.futures import CancelledError

        from distributed.client import ClosedClientError
        from distributed.comm import CommClosedError
        from distributed.scheduler import KilledWorker

        try:
            yield
        except HadError:
            raise
        except KilledWorker as error:
            raise ClusterError(
                f"{error.allowed_failures + 1} workers died one after the other over the same part of the "
                "work, most likely for want of memory; give each more (--memory-limit), or fewer threads"
            ) from error
        except ModuleNotFoundError as error:
            raise ClusterError(
                f"{self.address}: {error} there; scheduler and workers need had and its plugins as here"
            ) from error
        except (CancelledError, ClosedClientError, CommClosedError, TimeoutError) as error:
            raise ClusterError(f"{self.address}: {GONE}") from error
