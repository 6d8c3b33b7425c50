"""The cluster that a command computes on, for as long as the command lasts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from had_cli.commands.messages import Messages
from had_cli.commands.options import EngineName
from had_cli.errors import UsageError

if TYPE_CHECKING:
    from had_cli.engine.cluster.cluster import Cluster


@contextmanager
def cluster_of(
    engine: EngineName,
    *,
    scheduler: str | None,
    workers: int | None,
    memory_limit: str | None,
    messages: Messages,
) -> Iterator[Cluster | None]:
    """Return the context of the cluster that ``--engine dask`` asks for; of none with another engine.

    Raises
    ------
    UsageError
        When options of a cluster are given with another engine.
    ClusterError
        When there is none.
    """
    if engine is not EngineName.dask:
        given = {"--scheduler": scheduler, "--workers": workers, "--memory-limit": memory_limit}
        for option in (option for option, value in given.items() if value is not None):
            raise UsageError(f"{option} is of use with --engine dask alone")
        yield None
        return
    from had_cli.engine.cluster.connecting import connected

    with connected(scheduler, workers=workers, memory_limit=memory_limit, tell=messages.note) as cluster:
        yield cluster
