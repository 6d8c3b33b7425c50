"""Scores from a process that has seen nothing else."""

from __future__ import annotations

import io
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.plugin import host

Scores = npt.NDArray[np.float32]

# modules are found where this process finds them, also when started from a source tree
_START = "import pickle, sys; sys.path[:], job = pickle.load(sys.stdin.buffer); "
_RUN = _START + "from had_cli.plugin.testing.fresh import main; main(job)"
_DESCRIBE = (
    _START
    + """
from had_cli.plugin import host
assert host.method(job).summary
print(*sorted({"numpy", "torch", "scipy", "sklearn", "rasterio"} & set(sys.modules)))
"""
)


def fresh_scores(
    seeds: Sequence[int],
    method: str,
    params: Mapping[str, Any],
    weights: str | Path | None,
    bands: int,
    *,
    hash_seed: int,
) -> list[Scores]:
    """Return the scores of :func:`example_scene` with each of ``seeds``, computed one after another.

    Parameters
    ----------
    hash_seed
        Of the new interpreter: ``hash`` of a text differs from one to the other, as it does between two
        runs of a program.

    Raises
    ------
    AssertionError
        When the process fails; with what it wrote last.
    """
    job = (list(seeds), method, dict(params), weights, bands)
    written = _python(_RUN, job, PYTHONHASHSEED=str(hash_seed))
    with np.load(io.BytesIO(written)) as file:
        return [file[name] for name in file.files]


def imported_by_describing(method: str) -> list[str]:
    """Return the heavy modules that a fresh interpreter holds once it has listed the method.

    Other plugins are left out: what they import is no fault of this one.
    """
    others = [
        plugin.name
        for plugin in host.plugins()
        if all(offered.name != method for offered in plugin.offer.methods)
    ]
    return _python(_DESCRIBE, method, HAD_DISABLE_PLUGINS=",".join(others)).decode().split()


def main(job: tuple[list[int], str, dict[str, Any], str | Path | None, int]) -> None:
    """Write the scores of ``job`` to standard output; what a method prints goes elsewhere."""
    out = os.dup(1)
    os.dup2(2, 1)
    seeds, method, params, weights, bands = job
    from had_cli import api
    from had_cli.plugin.testing.scenes import example_scene

    options: dict[str, Any] = {"engine": "memory", "device": "cpu", "weights": weights, **params}
    found = [api.detect(example_scene(bands=bands, seed=seed), method, **options).scores for seed in seeds]
    written = io.BytesIO()
    np.savez(written, *found)
    with os.fdopen(out, "wb") as file:
        file.write(written.getvalue())


def _python(code: str, job: Any, **environment: str) -> bytes:
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", code],
        input=pickle.dumps((sys.path, job)),
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )
    said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    assert done.returncode == 0, f"a fresh process failed: {' '.join(said)}"
    return done.stdout
