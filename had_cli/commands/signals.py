"""Being told to end: by SIGTERM (a scheduler, ``timeout``) or SIGHUP (a terminal that closes)."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# Windows has no SIGHUP
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(KeyboardInterrupt):
    """The process was told to end; ``number`` is the signal's.

    An interrupt like the one of the keyboard, so that whoever cleans up after that one does so here.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Return a context in which such signals raise :class:`Terminated` instead of killing the process.

    Temporary files are removed on the way out, as for every other exception. A signal that the parent
    has set aside (``nohup``) stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    taken = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_DFL]

    def end(number: int, _frame: FrameType | None) -> None:
        for other in taken:
            signal.signal(other, signal.SIG_IGN)  # a second one would cut the cleaning up short
        raise Terminated(number)

    for number in taken:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
