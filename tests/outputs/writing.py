"""A process that writes rasters in children of its own, for tests that kill them.

The children are forked from a process without threads: one with threads could hand down locks that are
never given back.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import zarr  # noqa: F401 - what is imported here is not imported by every child

import had_cli.formats.envi_writer
import had_cli.formats.geotiff
import had_cli.formats.mat_writer
import had_cli.formats.numpy_writer
import had_cli.formats.zarr_writer  # noqa: F401
from had_cli.scenes.output import create_raster
from had_cli.scenes.source import SceneInfo, Window

# of other sizes: a header of one with the data of the other is told apart from both
SHAPES = {"old": (30, 20, 5), "new": (40, 30, 7)}
CALLS = ("rename", "replace", "link", "unlink", "rmdir", "mkdir")


def cube(which):
    """Return the cube called ``old`` or ``new``."""
    shape = SHAPES[which]
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape) + len(which) * shape[2]


def write(path, which):
    """Write a cube over whatever there is."""
    values = cube(which)
    rows, cols, _ = values.shape
    info = SceneInfo(path="scene", format="test", shape=values.shape, dtype=values.dtype)
    with create_raster(path, info, values.dtype, overwrite=True) as sink:
        for row in range(0, rows, 10):
            sink.write(Window(0, row, cols, 10), values[row : row + 10])


def die_at(number):
    """Kill this process before its ``number``-th change of a name in the file system."""
    count = 0

    def counting(real):
        def call(*words, **options):
            nonlocal count
            count += 1
            if count == number:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*words, **options)

        return call

    for name in CALLS:
        setattr(os, name, counting(getattr(os, name)))


def main():
    """Serve: a line of JSON in, the id of the child out, and how it ended."""
    write(Path(sys.argv[1]) / "first.npy", "old")  # plugins are loaded once, here
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            try:
                if job["step"] is not None:
                    die_at(job["step"])
                write(Path(job["path"]), job["which"])
            finally:
                os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        sys.stdout.write(f"{int(os.WIFSIGNALED(os.waitpid(child, 0)[1]))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
