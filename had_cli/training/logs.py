"""The log of a training: a file that grows by the numbers of every epoch, and TensorBoard's events."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from had_cli.errors import OutputError, OutputExistsError, UsageError
from had_cli.training.job import TrainingJob

Numbers = Mapping[str, float]
_BEGINNINGS = ("epoch,", '{"epoch"')  # of a log of ours


def check_logs(log_file: Path | None, tensorboard: Path | None, *, resume: bool) -> None:
    """Check before any work that the logs can be written.

    Raises
    ------
    OutputError
        When the log exists (of a resumed training: is no log), is a folder, or its folder is missing.
    UsageError
        When TensorBoard is not installed.
    """
    if log_file is not None:
        if log_file.is_dir() or not log_file.parent.is_dir():
            raise OutputError(f"{log_file}: cannot be written; name a file in a folder that exists")
        if os.path.lexists(log_file) and not (resume and _is_log(log_file)):
            raise OutputExistsError(f"{log_file}: exists already; name another file with --log-file")
    if tensorboard is not None:
        _summary_writer()


class TrainingLog:
    """Takes the numbers of every epoch.

    The file holds JSON lines, ``{"epoch": 1, "loss": ..., "seconds": ...}``, or the same as CSV where its
    name ends in ``.csv``. ``seconds`` count from the beginning of the (resumed) training and are left out of
    the epochs before it.

    Parameters
    ----------
    past
        The numbers of the epochs before.
    """

    def __init__(self, job: TrainingJob, past: Sequence[Numbers]) -> None:
        check_logs(job.log_file, job.tensorboard, resume=job.resume)
        self._path, self._start, self._epoch = job.log_file, time.perf_counter(), len(past)
        self._columns: list[str] | None = None
        self._events: Any = None
        if job.tensorboard is not None:
            self._events = _summary_writer()(str(job.tensorboard), purge_step=len(past) + 1)
        if self._path is not None:
            lines = [self._line(number, numbers, None) for number, numbers in enumerate(past, start=1)]
            with _writing(self._path), self._path.open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._events is not None:
            self._events.close()

    def add(self, numbers: Numbers) -> None:
        """Add those of the next epoch.

        Raises
        ------
        OutputError
            When the file cannot be written.
        """
        self._epoch += 1
        if self._events is not None:
            for name, value in numbers.items():
                self._events.add_scalar(name, value, self._epoch)
        if self._path is not None:
            line = self._line(self._epoch, numbers, round(time.perf_counter() - self._start, 3))
            with _writing(self._path), self._path.open("a", encoding="utf-8", newline="") as file:
                file.write(line)

    def _line(self, epoch: int, numbers: Numbers, seconds: float | None) -> str:
        assert self._path is not None  # noqa: S101 - there is a file to write lines for
        row: dict[str, Any] = {"epoch": epoch, **numbers}
        if self._path.suffix.lower() != ".csv":
            return json.dumps(row if seconds is None else {**row, "seconds": seconds}) + "\n"
        text = io.StringIO()
        if self._columns is None:
            self._columns = [*row, "seconds"]
            csv.writer(text, lineterminator="\n").writerow(self._columns)
        row["seconds"] = "" if seconds is None else f"{seconds:.3f}"
        csv.writer(text, lineterminator="\n").writerow([row.get(name, "") for name in self._columns])
        return text.getvalue()


def _is_log(path: Path) -> bool:
    """Return whether a file is a log, or nothing yet."""
    if not path.is_file():
        return False
    with _writing(path), path.open("rb") as file:
        start = file.read(16)
    return not start or start.startswith(tuple(text.encode() for text in _BEGINNINGS))


def _summary_writer() -> Callable[..., Any]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise UsageError(
            "--tensorboard needs the package tensorboard: pip install tensorboard, or use --log-file"
        ) from error
    writer: Callable[..., Any] = SummaryWriter
    return writer


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror or error})") from error
