"""A detector: a block reduction over the scene, then a block map, with a parameter."""

DESCRIPTION = '''\
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

DETECTOR = '''\
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

TEST = '''\
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

FILES = {"__init__.py": DESCRIPTION, "detector.py": DETECTOR, "test": TEST}
