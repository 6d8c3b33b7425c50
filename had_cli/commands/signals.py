"""Being told to end: by SIGINT (Ctrl-C), SIGTERM (a scheduler) or SIGHUP (a terminal that closes)."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

# Windows has no SIGHUP
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(KeyboardInterrupt):
    """The process was told to end; ``number`` is the signal's.

    An interrupt like the one of the keyboard, so that whoever cleans up after that one does so here.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Return a context in which such signals raise an exception instead of ending the process.

    SIGINT raises ``KeyboardInterrupt``, the others :class:`Terminated`. Temporary files are removed on the
    way out, as for every other exception. Later signals are ignored: they would cut that short, or say again
    what has been said. A signal that the parent has set aside (``nohup``) stays so.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = {number: handler for number, handler in before.items() if handler not in (signal.SIG_IGN, None)}
    ended: KeyboardInterrupt | None = None

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal ended
        ended = KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)
        for other in taken:
            signal.signal(other, signal.SIG_IGN)
        raise ended

    for number in taken:
        signal.signal(number, end)
    try:
        yield
        if ended is not None:  # compiled code that called back into Python may have lost it on the way
            raise ended
    finally:
        if ended is None:
            for number, handler in taken.items():
                signal.signal(number, handler)
