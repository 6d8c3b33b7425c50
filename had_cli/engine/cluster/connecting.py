"""Clusters to compute on: one that runs already, or workers on this machine while they are needed."""

from __future__ import annotations

import logging
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any

from had_cli.engine.cluster.cluster import Cluster, Tell
from had_cli.engine.memory import parse_size
from had_cli.engine.threads import cores
from had_cli.errors import ClusterError, UsageError
from had_cli.files import read_regular
from had_cli.foreign.texts import parse_json

logger = logging.getLogger(__name__)
TIMEOUT = 10  # seconds to wait for a scheduler


@contextmanager
def connected(
    scheduler: Any = None,
    *,
    workers: int | None = None,
    memory_limit: str | int | None = None,
    tell: Tell = logger.info,
) -> Iterator[Cluster]:
    """Return the context of a cluster; what was started for it ends with it, however that comes.

    Parameters
    ----------
    scheduler
        A ``distributed.Client``, an address such as ``tcp://10.0.0.1:8786``, or a file that the scheduler
        wrote; without it, workers are started on this machine.
    workers, memory_limit
        How many processes those are (default: one per core), and the memory of each (bytes, or text).
    tell
        Called with a line on what is there.

    Raises
    ------
    ClusterError
        When dask is not installed, or the scheduler does not answer.
    UsageError
        When options do not go together or make no sense.
    """
    limit = None if memory_limit is None else parse_size(memory_limit, "--memory-limit")
    if scheduler is not None and (workers is not None or limit is not None):
        raise UsageError("--workers and --memory-limit are of workers on this machine; leave out --scheduler")
    if workers is not None and workers < 1:
        raise UsageError(f"--workers takes a number from 1 on, not {workers}")
    if find_spec("distributed") is None:
        raise ClusterError("--engine dask needs dask.distributed; install it with: pip install 'had[dask]'")
    from distributed.utils import silence_logging_cmgr

    if isinstance(scheduler, Cluster):  # of whoever connected before
        yield scheduler
        return
    with ExitStack() as stack:
        if scheduler is not None and not isinstance(scheduler, str | Path):
            cluster = Cluster(scheduler, tell=tell)
        else:
            # what matters of its log lines is said in one line
            stack.enter_context(silence_logging_cmgr(logging.CRITICAL))
            if scheduler is None:
                client = stack.enter_context(_started(workers or cores(), limit))
            else:
                client = stack.enter_context(_client(str(scheduler)))
            cluster = Cluster(client, tell=tell, local=scheduler is None)
        threads = cluster.threads()
        tell(_told(cluster, threads))
        yield cluster


def _told(cluster: Cluster, threads: int) -> str:
    text = f"dask: workers {len(cluster.workers())}, threads {threads}, scheduler {cluster.address}"
    # the scheduler names a dashboard even where the library that draws it is missing
    shown = cluster.client.dashboard_link if not cluster.local or find_spec("bokeh") else None
    return f"{text}, dashboard {shown}" if shown else text


@contextmanager
def _client(scheduler: str) -> Iterator[Any]:
    """Return the context of a client of a scheduler that runs already."""
    from distributed import Client

    address = scheduler if "://" in scheduler else _address_in(scheduler)
    try:
        client = Client(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError, TimeoutError) as error:
        raise ClusterError(
            f"{address}: no scheduler answers there; start one (dask scheduler), or correct the address"
        ) from error
    try:
        yield client
    finally:
        client.close(timeout=TIMEOUT)


def _address_in(path: str) -> str:
    """Return the address in a file that ``dask scheduler --scheduler-file`` wrote."""
    try:
        return str(parse_json(read_regular(path))["address"])
    except OSError as error:
        raise ClusterError(
            f"--scheduler {path}: is neither an address such as tcp://10.0.0.1:8786 nor a file that can be "
            f"read ({error.strerror})"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ClusterError(
            f"--scheduler {path}: is no file of a scheduler; start one with: "
            f"dask scheduler --scheduler-file {path}"
        ) from error


@contextmanager
def _started(workers: int, limit: int | None) -> Iterator[Any]:
    """Return the context of a client of workers on this machine."""
    import dask
    from distributed import Client, LocalCluster

    with ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix="had-dask-", ignore_cleanup_errors=True)
        )
        # for scheduler and nannies too, which would leave one of theirs in the folder of all temporary files
        with _interrupts_are_ours(), dask.config.set({"temporary-directory": folder}):
            local = LocalCluster(
                n_workers=workers,
                threads_per_worker=max(1, cores() // workers),
                memory_limit="auto" if limit is None else limit,
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
            stack.callback(local.close, timeout=TIMEOUT)
            client = Client(local, set_as_default=False, direct_to_workers=True)
            stack.callback(client.close, timeout=TIMEOUT)
        yield client


@contextmanager
def _interrupts_are_ours() -> Iterator[None]:
    """Return a context in which processes start that Ctrl-C does not reach.

    A terminal sends it to them as well, and each would answer with a traceback. Threads and processes that
    start with the signal blocked keep it so; this process ends them when its own turn comes.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would lift the block where it starts in between
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
