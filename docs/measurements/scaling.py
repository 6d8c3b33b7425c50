"""Measure what a pixel, a band, a worker and a task cost on a cluster, for docs/scaling.md.

    python docs/measurements/scaling.py FOLDER

FOLDER takes scenes of up to 0.4 GB, which are removed again. Costs are processor seconds of all processes
that work on the scene: on a machine that does other things as well, they say more than the clock. Each row is
one run; rows of a table are to be compared with each other and with nothing else.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

import had_cli
from had_cli.engine.cluster.cluster import Cluster
from had_cli.engine.cluster.connecting import connected

COLS = 1000


def main(folder: Path) -> None:
    """Print the tables."""
    print("| pixels | bands | engine | processor s | clock s | processor us per pixel |\n" + "|---" * 6 + "|")
    with connected(workers=1) as one, connected(workers=2) as two:
        engines = {"stream": None, "dask, 1 worker": one, "dask, 2 workers": two}
        for rows, bands in ((250, 100), (500, 100), (1000, 100), (2000, 100), (1000, 50), (1000, 200)):
            scene = made(folder / "scene.hdr", rows, bands)
            for name, cluster in engines.items():
                spent, clock = cost(scene, cluster)
                each = 1e6 * spent / (rows * COLS)
                print(
                    f"| {rows * COLS} | {bands} | {name} | {spent:.1f} | {clock:.1f} | {each:.2f} |",
                    flush=True,
                )
        print("\n| tasks | processor ms per task | clock ms per task |\n|---|---|---|")
        for count in (500, 2000):
            before, start = time.process_time(), time.perf_counter()
            futures = ((None, two.submit(abs, number, label="nothing")) for number in range(count))
            for _, future in two.finished(futures):
                two.result(future)
            spent, clock = time.process_time() - before, time.perf_counter() - start
            print(f"| {count} | {1e3 * spent / count:.2f} | {1e3 * clock / count:.2f} |", flush=True)
    for file in folder.glob("scene.*"):
        file.unlink()


def cost(scene: Path, cluster: Cluster | None) -> tuple[float, float]:
    """Return the processor seconds and the seconds of the clock that GRX takes."""
    options: dict[str, Any] = (
        {"engine": "stream"} if cluster is None else {"engine": "dask", "scheduler": cluster}
    )
    before, start = spent_by(cluster), time.perf_counter()
    had_cli.detect(scene, "grx", device="cpu", **options)
    return spent_by(cluster) - before, time.perf_counter() - start


def spent_by(cluster: Cluster | None) -> float:
    """Return the processor seconds of this process and of all workers so far."""
    workers = {} if cluster is None else cluster.client.run(time.process_time)
    return time.process_time() + sum(workers.values())


def made(header: Path, rows: int, bands: int) -> Path:
    """Write a BIL scene of 16-bit integers in which bands are correlated."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(0, 300, (6, bands))
    with header.with_suffix(".img").open("wb") as file:
        for row in range(0, rows, 50):
            shape = min(50, rows - row), COLS
            cube = 3000 + rng.normal(size=(*shape, 6)) @ mixing + rng.normal(0, 20, (*shape, bands))
            file.write(np.ascontiguousarray(cube.transpose(0, 2, 1)).astype("<i2").tobytes())
    fields = {"samples": COLS, "lines": rows, "bands": bands, "header offset": 0, "data type": 2}
    lines = "".join(f"{name} = {value}\n" for name, value in fields.items())
    header.write_text(f"ENVI\n{lines}interleave = bil\nbyte order = 0\n")
    return header


if __name__ == "__main__":
    main(Path(sys.argv[1]))
