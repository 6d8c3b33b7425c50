"""How much memory a run may take."""

from __future__ import annotations

import re
from pathlib import Path

from had_cli.errors import UsageError

_UNITS = {
    "": 1,
    "k": 10**3,
    "m": 10**6,
    "g": 10**9,
    "t": 10**12,
    "ki": 2**10,
    "mi": 2**20,
    "gi": 2**30,
    "ti": 2**40,
}
_SIZE = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*([kmgt]i?)?b?\s*\Z", re.IGNORECASE)
_CGROUP = Path("/sys/fs/cgroup")
# Bytes of results that are held where nobody said how many: the pages of a temporary file are kept by the
# system as long as it has memory for them, and it takes them back where others need it. SSF on 15 million
# pixels takes 2 % longer so, and a third less memory.
RESULTS = 2**26


def parse_size(text: str | int, option: str = "--memory") -> int:
    """Return the bytes that ``text`` names: ``"2GB"``, ``"512 MiB"``, ``"1e9"`` is refused, 4096.

    ``option`` is named where it is refused.

    Raises
    ------
    UsageError
        When it is no positive size.
    """
    match = _SIZE.match(str(text))
    size = int(float(match[1]) * _UNITS[(match[2] or "").lower()]) if match else 0
    if size <= 0:
        raise UsageError(f"{option} takes a size such as 2GB or 512MiB, not {text!r}")
    return size


def available_memory() -> int:
    """Return the bytes that can be taken without swapping, within what container and ``ulimit -v`` allow."""
    import psutil

    free = int(psutil.virtual_memory().available)
    limit, used = _CGROUP / "memory.max", _CGROUP / "memory.current"
    if limit.is_file() and used.is_file() and (text := limit.read_text().strip()) != "max":
        free = min(free, max(0, int(text) - int(used.read_text())))
    limit_here = _address_space()
    return free if limit_here is None else min(free, max(1, limit_here - psutil.Process().memory_info().vms))


def _address_space() -> int | None:
    """Return the bytes of addresses that this process may have; None without a limit, and on Windows."""
    try:
        import resource
    except ImportError:
        return None
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def memory_budget(memory: str | int | None) -> int:
    """Return the bytes a run may take: as given, or a quarter of what is free."""
    return max(1, available_memory() // 4) if memory is None else parse_size(memory)


def results_budget(memory: int, *, given: bool) -> int:
    """Return the bytes of results that a run holds: half of its memory; no more than 64 MB if not given."""
    return memory // 2 if given else min(memory // 2, RESULTS)
