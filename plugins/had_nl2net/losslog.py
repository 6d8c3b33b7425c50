"""The log of the losses: a CSV file that grows while the training runs."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from had_cli.plugin import OutputError, OutputExistsError


def loss_log(path: Path | None, *, past: Sequence[float] = ()) -> Callable[[float], None]:
    """Return a function that adds the loss of the next epoch to ``path``; without a path it does nothing.

    The columns are ``epoch``, ``loss`` and ``seconds`` since the (resumed) training began; ``past``
    are the losses of the epochs before, for which the seconds are empty.

    Raises
    ------
    OutputError
        When the file exists, unless a training is resumed, or cannot be written.
    """
    if path is None:
        return lambda _loss: None
    start, epoch = time.perf_counter(), len(past)
    lines = [f"{number},{loss!r},\n" for number, loss in enumerate(past, start=1)]
    with _told(path), path.open("w" if past else "x", encoding="utf-8", newline="") as file:
        file.writelines(["epoch,loss,seconds\n", *lines])

    def add(loss: float) -> None:
        nonlocal epoch
        epoch += 1
        with _told(path), path.open("a", encoding="utf-8", newline="") as file:
            file.write(f"{epoch},{loss!r},{time.perf_counter() - start:.3f}\n")

    return add


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError:
        raise OutputExistsError(f"{path}: exists already; name another file with --log-file") from None
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error
