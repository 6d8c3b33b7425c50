"""What an earlier comparison in the same folder held, and the one that takes its place does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from had_cli.bench.results import BenchResults, load_results
from had_cli.errors import HadError

_SHARED = ("selection", "seed", "repeats", "device", "engine", "memory", "keep_constant_bands")


def replaced(folder: Path, found: BenchResults) -> list[str]:
    """Return a line on what the tables in ``folder`` lose when ``found`` is written there, if anything.

    More scenes and more configurations are an extension and nothing to speak of.
    """
    try:
        earlier = load_results(folder)
    except HadError:  # none, or of another version: nothing that this one could speak of
        return []
    lost = _lost("configuration", earlier.labels, found.labels)
    lost += _lost("scene", earlier.scenes, found.scenes)
    lost += [
        f"{name} {_text(earlier.results.get(name))}"
        for name in _SHARED
        if earlier.results.get(name) != found.results.get(name)
    ]
    if not lost:
        return []
    had = "; ".join(lost)
    line = (
        f"{folder}: the tables of an earlier comparison are replaced, which had {had}; its finished cells "
        "are kept, and naming all of it together gives tables of both; -o FOLDER keeps comparisons apart"
    )
    return [line]


def _lost(kind: str, earlier: list[str], now: list[str]) -> list[str]:
    gone = [name for name in earlier if name not in now]
    return [f"{kind}{'s' if len(gone) > 1 else ''} {', '.join(gone)}"] if gone else []


def _text(value: Any) -> str:
    if isinstance(value, dict):
        chosen = [f"{name}={item}" for name, item in value.items() if item is not None]
        return ", ".join(chosen) or "none"
    return str(value)
