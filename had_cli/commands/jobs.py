"""Several scenes at a time, each in a process: threads would share settings of the linear algebra."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any, NamedTuple

import typer

from had_cli.commands.many import Done, Task, attempt, failure
from had_cli.commands.messages import Messages
from had_cli.commands.outcome import complain
from had_cli.commands.signals import terminable
from had_cli.errors import HadError

_THREADS = "OMP_NUM_THREADS"
_KILLED = HadError(
    "the process of this scene, or of one beside it, was ended by the system, probably for lack of memory; "
    "give fewer --jobs or a lower --memory"
)


class _Voice(NamedTuple):
    """What the messages of a process shall be like."""

    as_json: bool
    quiet: bool
    verbose: bool


class _Said(NamedTuple):
    """What came of a scene and what was said of it; ``error`` is one that ends the whole run."""

    done: Done | None
    out: str
    err: str
    error: HadError | None = None


def run_all(
    task: Task,
    pairs: Sequence[tuple[str, Path]],
    messages: Messages,
    loaded: Any,
    *,
    jobs: int,
    debug: bool,
) -> list[Done]:
    """Return what came of each (scene, output); a bad scene does not stop the others.

    ``loaded`` are the weights of ``task``, or None.

    Raises
    ------
    HadError
        What would be wrong with every scene.
    """
    if jobs > 1 and len(pairs) > 1:
        return run_side_by_side(task, pairs, messages, min(jobs, len(pairs)), debug=debug)
    return [attempt(task, scene, output, messages, loaded, debug=debug) for scene, output in pairs]


def run_side_by_side(
    task: Task, pairs: Sequence[tuple[str, Path]], messages: Messages, jobs: int, *, debug: bool
) -> list[Done]:
    """Return what came of each (scene, output), as :func:`run_all` does.

    Results and what is said of them come in the order of the scenes. The cores are shared evenly.

    Raises
    ------
    HadError
        What would be wrong with every scene.
    """
    from had_cli.engine.memory import memory_budget

    if task.running["memory"] is None:  # what is free is for all of them
        share = memory_budget(None) // jobs
        task = dataclasses.replace(task, running={**task.running, "memory": share})
    voice = _Voice(messages.as_json, messages.quiet, messages.verbose)
    found = []
    with (
        _shared_cores(jobs),
        _workers(jobs) as pool,
        messages.progress(f"{len(pairs)} scenes") as progress,
    ):
        waiting = [pool.submit(_in_process, task, scene, output, voice, debug) for scene, output in pairs]
        for (scene, output), future in zip(pairs, waiting, strict=True):
            said = _result(future, scene, output)
            typer.echo(said.out, nl=False)
            typer.echo(said.err, nl=False, err=True)
            if said.error is not None:
                raise said.error
            assert said.done is not None  # noqa: S101 - or there is an error
            if said.done.failed:
                messages.failed(said.done.document["error"])
            found.append(said.done)
            progress("scenes", len(found) / len(pairs))
    return found


def _result(future: Future[_Said], scene: str, output: Path) -> _Said:
    try:
        return future.result()
    except BrokenProcessPool:
        complain(f"{scene}: {_KILLED}")
        return _Said(failure(scene, output, _KILLED), "", "")


@contextlib.contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool whose processes are told to end when this one is."""
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield pool
    except BaseException:
        for process in multiprocessing.active_children():
            process.terminate()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


@contextlib.contextmanager
def _shared_cores(jobs: int) -> Iterator[None]:
    """Let every process that is started meanwhile have its share of the cores."""
    from had_cli.engine.threads import cores

    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = str(max(1, cores() // jobs))
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]
        else:
            os.environ[_THREADS] = before


def _in_process(task: Task, scene: str, output: Path, voice: _Voice, debug: bool) -> _Said:
    """Run one scene here, in a process of the pool."""
    from had_cli.plugin import host
    from had_cli.weights.chosen import weights_for

    out, err = io.StringIO(), io.StringIO()
    done, error = None, None
    try:
        with terminable(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            messages = Messages(as_json=voice.as_json, quiet=voice.quiet, verbose=voice.verbose)
            loaded = weights_for(host.method(task.method), task.weights)
            done = attempt(task, scene, output, messages, loaded, debug=debug)
    except HadError as found:
        error = found
    except KeyboardInterrupt:  # temporary files are gone; who has started this one says why
        os._exit(1)
    return _Said(done, out.getvalue(), err.getvalue(), error)
