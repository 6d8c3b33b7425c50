"""Being told to end: by SIGINT (Ctrl-C), SIGTERM (a scheduler) or SIGHUP (a terminal that closes)."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

SOON = 0.05  # seconds after which a signal that was lost is sent again
# Windows has no SIGHUP
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Terminated(KeyboardInterrupt):
    """The process was told to end; ``number`` is the signal's.

    An interrupt like the one of the keyboard, so that whoever cleans up after that one does so here.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class _Watch:
    """The signals of one command.

    Attributes
    ----------
    taken : the handlers that were there before, by signal
    ended : what the last signal has raised
    base : where the command begins
    """

    def __init__(self, base: FrameType | None = None) -> None:
        self.base = base
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        self.taken = {n: handler for n, handler in before.items() if handler not in (signal.SIG_IGN, None)}
        self.ended: KeyboardInterrupt | None = None
        self._told = sys.unraisablehook
        self._again: threading.Timer | None = None
        self._soon = False  # the timer runs

    def begin(self) -> None:
        self._set(self._end)
        sys.unraisablehook = self._dropped

    def finish(self) -> None:
        self.base = None
        sys.unraisablehook = self._told
        if self._again is not None:
            self._again.cancel()
        if self.ended is not None:
            self._set(signal.SIG_IGN)
            return
        for number, handler in self.taken.items():
            signal.signal(number, handler)

    def _set(self, handler: Any) -> None:
        for number in self.taken:
            signal.signal(number, handler)

    def _end(self, number: int, frame: FrameType | None) -> None:
        if self._soon:  # what it would raise in the hook would be told with a traceback
            return
        if _importing(frame, self.base):
            self._send_soon(number)
            return
        self.ended = KeyboardInterrupt() if number == signal.SIGINT else Terminated(number)
        self._set(signal.SIG_IGN)
        raise self.ended

    def _dropped(self, what: Any) -> None:
        if self.ended is None or what.exc_value is not self.ended:
            self._told(what)
            return
        self._set(self._end)
        self._send_soon(self.ended.number if isinstance(self.ended, Terminated) else signal.SIGINT)

    def _send_soon(self, number: int) -> None:
        self._soon = True
        self._again = threading.Timer(SOON, self._send_again, (number,))
        self._again.daemon = True
        self._again.start()

    def _send_again(self, number: int) -> None:
        self._soon = False
        _send(number)


_watches: list[_Watch] = []  # of the command, and of those that it calls


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Return a context in which such signals raise an exception instead of ending the process.

    SIGINT raises ``KeyboardInterrupt``, the others :class:`Terminated`. Temporary files are removed on the
    way out, as for every other exception. Later signals are ignored: they would cut that short, or say again
    what has been said. A signal that the parent has set aside (``nohup``) stays so.

    A signal that comes while the command loads a module waits until that is done. Python drops an exception
    that comes up while an object is deleted, in a callback of the garbage collector or where compiled code
    calls back. It tells that a hook, which sends the signal again. What is lost without a word is raised
    where the command tells its progress (:func:`go_on`), or at its end.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # the caller's, below the generator's and that of the context manager
    watch = _Watch(sys._getframe(2))
    _watches.append(watch)
    watch.begin()
    try:
        yield
        go_on()
    except Exception as error:
        # Python before 3.12 makes another error of what comes up while a class names its fields
        if watch.ended is not None and watch.ended in (error.__cause__, error.__context__):
            raise watch.ended from None
        raise
    finally:
        watch.finish()
        _watches.remove(watch)


def go_on() -> None:
    """Return, unless the process was told to end and its main thread has not heard of it."""
    if _watches and threading.current_thread() is threading.main_thread():
        ended = _watches[-1].ended
        if ended is not None:
            raise ended


def _importing(frame: FrameType | None, base: FrameType | None) -> bool:
    """Tell whether the command is loading a module: torch's compiled code aborts at an exception then."""
    while frame is not None and frame is not base:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _send(number: int) -> None:
    if hasattr(signal, "pthread_kill"):  # which wakes the main thread where it waits
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)
