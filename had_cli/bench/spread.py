"""Cells on the workers of a cluster, each in a process of its own there."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from had_cli.bench.process import run_job
from had_cli.engine.cluster.cluster import Cluster, Future

T = TypeVar("T")


def spread(cluster: Cluster, jobs: Iterable[tuple[T, dict[str, Any]]]) -> Iterator[tuple[T, dict[str, Any]]]:
    """Yield (what, last message) of each job as it is done; a map comes along as the bytes of its file.

    A bounded number is under way, so that an interrupted bench has little to take back.
    """
    here = os.getcwd()  # noqa: PTH109 - as the shell says it, links included

    def made() -> Iterator[tuple[T, Future]]:
        for what, job in jobs:
            yield what, cluster.submit(run_there, job, here, label="cell")

    for what, future in cluster.finished(made()):
        yield what, cluster.result(future)


def run_there(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """Run a job on a worker; its paths are relative to ``folder``, which is that of the client."""
    if not Path(folder).is_dir():
        return {
            "error": f"a worker on {socket.gethostname()} does not see {folder}; start the bench in a folder "
            "that all workers share"
        }
    with tempfile.TemporaryDirectory(prefix="had-") as scratch:
        file = None if job["map"] is None else Path(scratch) / Path(job["map"]).name
        last = run_job({**job, "map": None if file is None else str(file)}, _silent, folder=folder)
        if file is not None and file.is_file():
            last["map"] = file.read_bytes()
    return last


def _silent(_label: str, _fraction: float) -> None:
    """Tell nobody how far a cell is."""
