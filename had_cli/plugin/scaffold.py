"""The first files of a new method: a distribution that installs, runs and passes the contract kit."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from had_cli.errors import OutputError, OutputExistsError, UsageError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method

_PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "had-@NAME@"
version = "0.1.0"
description = "The @NAME@ anomaly detector for had"
readme = "README.md"
requires-python = ">=3.11"
dependencies = ["had"]

[project.optional-dependencies]
test = ["pytest"]

[project.entry-points."had.plugins"]
@NAME@ = "@PACKAGE@"

[tool.hatch.build.targets.wheel]
packages = ["@PACKAGE@"]
"""

_README = """\
# had-@NAME@

The `@NAME@` anomaly detector, as a plugin of `had`.

    pip install -e ".[test]"
    had plugins
    had detect -m @NAME@ --help
    pytest
"""

_DESCRIPTION = '''\
"""@NAME@, as a plugin of had. Nothing heavy is imported here: this is read on every `had plugins`."""

from had_cli.plugin import Method, Param, hookimpl

HAD_CONTRACT = (1, 0)  # the plugin contract that this is written for


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``@NAME@``."""
    return [
        Method(
            name="@NAME@",
            summary="Distance from the scene's mean spectrum",
            paper="authors, journal, year, doi",
            detect="@PACKAGE@.detector:detect",
            params=(
                Param(
                    name="order",
                    type=float,
                    default=2.0,
                    minimum=1,
                    help="Order of the norm; 2 is the Euclidean distance.",
                ),
            ),
        )
    ]
'''

_DETECTOR = '''\
"""The detector: a block reduction over the scene, then a block map."""

from dataclasses import dataclass

import array_api_compat
import numpy as np


def detect(run, params):
    """Return rows x cols float32 scores, higher where more anomalous."""
    count, total = run.reduce(Total())
    return run.map(Distance(total / count, params.order))


@dataclass(frozen=True)
class Total:
    """Reduction to the number of valid pixels and the sum of their spectra."""

    def compute(self, pixels, xp):
        """Return the partial result of n x bands pixels, in host memory."""
        total = xp.sum(xp.astype(pixels, xp.float64), axis=0)
        return pixels.shape[0], np.asarray(total.cpu() if hasattr(total, "cpu") else total)

    def merge(self, first, second):
        """Return the result of two pieces together."""
        return first[0] + second[0], first[1] + second[1]


@dataclass(frozen=True)
class Distance:
    """Block map to the distance of each pixel from a spectrum."""

    centre: np.ndarray
    order: float

    def __call__(self, block):
        """Return one score per pixel of the block's core."""
        cube = block.core_of(block.cube)
        device = array_api_compat.device(cube)
        centre = block.xp.asarray(self.centre, dtype=block.xp.float32, device=device)
        with np.errstate(invalid="ignore", over="ignore"):  # invalid pixels may hold anything
            return block.xp.linalg.vector_norm(cube - centre, axis=-1, ord=self.order)
'''

_TEST = '''\
"""What had asks of every method, and what this one promises besides."""

import numpy as np

from had_cli import detect
from had_cli.plugin.testing import MethodContract, example_cube


class TestContract(MethodContract):
    """The contract of every method."""

    method = "@NAME@"


def test_scores_are_distances_from_the_mean():
    """Compare with the definition, written out."""
    cube, _truth = example_cube()
    cube = cube.astype(np.float64)
    expected = np.linalg.norm(cube - cube.mean(axis=(0, 1)), axis=2)
    np.testing.assert_allclose(detect(cube, "@NAME@").scores, expected, rtol=1e-4)
'''


def new_plugin(name: str, folder: str | Path = ".") -> Path:
    """Write a distribution ``had-NAME`` with a working method into ``folder`` and return its path.

    The method scores by the distance from the mean spectrum, with a parameter and tests, ready to be
    replaced piece by piece.

    Raises
    ------
    UsageError
        When ``name`` cannot be a method's or belongs to an installed one.
    OutputExistsError, OutputError
        When the folder exists already or cannot be written.
    """
    try:
        Method(name=name, summary="s", paper="p", detect="m:f")
    except ValueError as error:
        raise UsageError(str(error)) from None
    if name in host.methods():
        raise UsageError(f"there is a method {name} already; choose another name")
    package = f"had_{name.replace('-', '_')}"
    target = Path(folder) / f"had-{name}"
    if target.exists():
        raise OutputExistsError(f"{target}: exists already; choose another name or folder")
    files = {
        "pyproject.toml": _PYPROJECT,
        "README.md": _README,
        f"{package}/__init__.py": _DESCRIPTION,
        f"{package}/detector.py": _DETECTOR,
        f"tests/test_{name.replace('-', '_')}.py": _TEST,
    }
    try:
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    try:
        made = scratch / target.name
        for path, text in files.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_text(
                text.replace("@NAME@", name).replace("@PACKAGE@", package), encoding="utf-8"
            )
        made.rename(target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target
