"""A trained method: what it learned of other scenes lies in a weights file."""

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
            summary="Distance from the mean spectrum of the training scenes",
            paper="authors, journal, year, doi",
            detect="@PACKAGE@.detector:detect",
            train="@PACKAGE@.trainer:train",
            weights="required",
            train_params=(
                Param(
                    name="centre",
                    type=str,
                    default="mean",
                    choices=("mean", "median"),
                    help="Which centre of the pixels is learned.",
                ),
            ),
        )
    ]
'''

TRAINER = '''\
"""Training: from scenes to weights. For a network trained by steps, see TrainingLoop in the guide."""

import numpy as np
from had_cli.plugin import BandGrid, Weights, resampling, valid_pixels


def train(job, params):
    """Return the mean of the scenes' centres, in the bands of the first scene."""
    grid = BandGrid.of(job.scenes[0])
    centre_of = {"mean": np.mean, "median": np.median}[params.centre]
    spectra = []
    for number, scene in enumerate(job.scenes, start=1):
        cube = scene.read()
        centre = centre_of(cube[valid_pixels(cube)], axis=0)
        spectra.append(resampling(BandGrid.of(scene), grid, name=scene.path)(centre))
        job.progress("scenes", number / len(job.scenes))
    centre = np.mean(spectra, axis=0).astype(np.float32)
    return Weights(method="@NAME@", tensors={"centre": centre}, header=grid.header())
'''

DETECTOR = '''\
"""The detector: a block map that uses what was learned."""

from dataclasses import dataclass

import array_api_compat
import numpy as np
from had_cli.plugin import BandGrid, resampling


def detect(run, params):
    """Return rows x cols float32 scores, higher where more anomalous."""
    grid = BandGrid.from_header(run.weights.header)
    run.weights.require(centre=(grid.bands,))
    spectra = resampling(BandGrid.of(run.scene), grid, name=run.scene.path)
    spectra.warn_of_differences(run.warn)
    return run.map(Distance(spectra, run.weights.tensors["centre"]))


@dataclass(frozen=True)
class Distance:
    """Block map to the distance from the learned spectrum, in the bands of the weights."""

    spectra: object
    centre: np.ndarray

    def __call__(self, block):
        """Return one score per pixel of the block's core."""
        cube = self.spectra(block.core_of(block.cube), block.xp)
        centre = block.xp.asarray(self.centre, device=array_api_compat.device(cube))
        with np.errstate(invalid="ignore", over="ignore"):  # invalid pixels may hold anything
            return block.xp.linalg.vector_norm(cube - centre, axis=-1)
'''

TEST = '''\
"""What had asks of every method, and that training learns what it should."""

import numpy as np
import pytest
from had_cli import train
from had_cli.plugin.testing import MethodContract, example_cube, example_scene


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Train on one small scene."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    train([example_scene(seed=1)], "@NAME@", path, device="cpu")
    return path


class TestContract(MethodContract):
    """The contract of every method."""

    method = "@NAME@"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _weights(cls, weights):
        cls.weights = weights


def test_the_mean_is_learned(weights):
    """Compare with the definition, written out."""
    from had_cli import load_weights

    cube = example_scene(seed=1).read()
    valid = cube[np.isfinite(cube).all(axis=-1)]
    learned = load_weights(weights).tensors["centre"]
    np.testing.assert_allclose(learned, valid.mean(axis=0), rtol=0.05)
    assert learned.shape == (example_cube()[0].shape[2],)
'''

FILES = {"__init__.py": DESCRIPTION, "trainer.py": TRAINER, "detector.py": DETECTOR, "test": TEST}
