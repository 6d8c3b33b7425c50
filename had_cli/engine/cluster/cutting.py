"""How the pieces of a pass are put into tasks.

Results depend on the pieces and the tree in which they are merged, and on nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator

from had_cli.engine.partition import Partition
from had_cli.scenes.source import Window

# Bytes of single precision for a task, which reads them bit by bit: a scheduler spends some milliseconds on
# each, and what is lost with a worker is computed again.
TASK = 2**27
# Tasks of a pass, from which on they become larger instead of more: minutes of a scheduler's time.
MOST = 2**17
# What is cheap to read at once stays in one task up to this size: tiles are not decoded twice, features not
# computed twice.
WHOLE = 2**29
# Tasks for a thread where a scene allows it: the last ones to finish keep the others waiting.
EACH = 4


def tasks_of(parts: Partition, bands: int, threads: int) -> Iterator[list[Window]]:
    """Yield the pieces of each task, in their order."""
    height, width = (
        min(side, most) for side, most in zip(parts.group, (parts.rows, parts.cols), strict=True)
    )
    whole = (height + 2 * parts.halo) * (width + 2 * parts.halo)
    fitting = max(TASK // (4 * bands), parts.rows * parts.cols // MOST)
    pixels = min(fitting, parts.rows * parts.cols // (threads * EACH))
    if 4 * bands * whole <= WHOLE:
        pixels = max(pixels, whole)
    for read in parts.reads(pixels):
        yield read.pieces


def strip_height(shape: tuple[int, int, int], factor: int, threads: int) -> int:
    """Return the rows of a strip of a scene of ``shape`` to which squares of ``factor`` are averaged."""
    rows, cols, bands = shape
    return max(1, min(TASK // (4 * bands * cols * factor * factor), rows // (threads * EACH)))
