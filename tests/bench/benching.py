"""Scenes, methods that misbehave, and the program itself, for the tests of ``had bench``."""

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import scipy.io

METHODS = """
    from had_cli.plugin.descriptions import Method, Param
    from had_cli.plugin.hooks import hookimpl

    NAMES = ("steps", "draw", "slow", "hungry", "chatty", "raising", "dying",
             "filling", "gaps")

    @hookimpl
    def had_methods():
        times = Param(name="times", type=float, default=1.0, minimum=0, help="Factor.")
        where = Param(name="where", type=__import__("pathlib").Path, default=None, help="A file.")
        return [
            Method(name=name, summary=name, paper="none", detect=f"had_tests_methods:{name}",
                   params=(times, where))
            for name in NAMES
        ] + [
            Method(name="weighed", summary="Uses weights", paper="none", detect="had_tests_methods:weighed",
                   weights="required")
        ]

    def brightness(run):
        cube = run.scene.read()
        return cube.mean(axis=2)

    def steps(run, params):
        import numpy as np
        values = brightness(run) * np.float32(params.times)
        return np.floor(values / 4).astype(np.float32)

    def draw(run, params):
        import numpy as np
        return np.random.default_rng(run.seed).random(run.scene.shape[:2], dtype=np.float32)

    def slow(run, params):
        import time
        run.progress("waiting", 0.5)
        time.sleep(0.3 * params.times)
        return brightness(run)

    def hungry(run, params):
        import numpy as np
        eaten = np.ones(int(200e6), np.uint8)
        return brightness(run) + np.float32(eaten[0])

    def chatty(run, params):
        print("said on standard output")
        import os
        os.write(1, b"and below it\\n")
        run.warn("this method talks too much")
        return brightness(run)

    def raising(run, params):
        raise ZeroDivisionError("of a test")

    def dying(run, params):
        import os, signal
        os.kill(os.getpid(), signal.SIGKILL)

    def filling(run, params):
        import numpy as np
        return np.nan_to_num(brightness(run))

    def gaps(run, params):
        import numpy as np
        scores = brightness(run)
        scores[3, 4] = np.nan
        return scores

    def weighed(run, params):
        return brightness(run) * run.weights.tensors["factor"]
"""


def make(path, seed=0, *, bands=6, truth=True, rows=24, cols=30):
    """Write a .mat scene with five anomalies of one pixel."""
    rng = np.random.default_rng(seed)
    cube = rng.normal(100, 5, (rows, cols, bands)).astype(np.float32)
    marked = np.zeros((rows, cols), np.uint8)
    marked.flat[rng.choice(rows * cols, 5, replace=False)] = 1
    cube[marked == 1] += rng.normal(6, 4, (5, bands))
    scipy.io.savemat(path, {"data": cube, **({"map": marked} if truth else {})})
    return cube, marked


def program(*words, site=None):
    """Return the command and the environment of ``had`` with ``words``."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "NO_COLOR": "1"}
    if site is not None:
        environment["PYTHONPATH"] = str(site)
    return [sys.executable, "-m", "had_cli", *map(str, words)], environment


def read(path: Path):
    """Return a JSON document."""
    return json.loads(path.read_text(encoding="utf-8"))


def rows_of(path: Path):
    """Return the rows of a CSV file by name."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
