"""The kit finds what methods get wrong: one faulty detector for each promise."""

from dataclasses import dataclass

import numpy as np
import pytest

from had_cli.errors import SceneError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method, Param
from had_cli.plugin.testing import MethodContract, example_cube, example_scene


@dataclass(frozen=True)
class Distance:
    """Squared distance from a fixed spectrum: nothing wrong with it."""

    centre: np.ndarray
    sign: float = 1.0

    def __call__(self, block):
        return self.sign * ((block.core_of(block.cube) - self.centre) ** 2).sum(axis=-1)


@dataclass(frozen=True)
class Total:
    def compute(self, pixels, xp):
        return len(pixels), pixels.sum(axis=0, dtype=np.float64)

    def merge(self, first, second):
        return first[0] + second[0], first[1] + second[1]


def mean(run):
    count, total = run.reduce(Total())
    return (total / count).astype(np.float32)


def sound(run, params):
    return run.map(Distance(mean(run)))


def looks_at_its_block(run, params):
    return run.map(FromBlockMean())


@dataclass(frozen=True)
class FromBlockMean:
    def __call__(self, block):
        cube = block.core_of(block.cube)
        return ((cube - cube[block.core_of(block.valid)].mean(axis=0)) ** 2).sum(axis=-1)


def is_sealed(run, params):
    centre = mean(run)

    def distance(block):
        return Distance(centre)(block)

    return run.map(distance)


def writes_into_the_scene(run, params):
    return run.map(Scribble())


@dataclass(frozen=True)
class Scribble:
    def __call__(self, block):
        block.cube[:] = 0.5
        return block.core_of(block.cube).sum(axis=-1)


def ignores_the_seed(run, params):
    return sound(run, params) + np.random.default_rng().random(run.scene.shape[:2], np.float32)


def is_upside_down(run, params):
    return run.map(Distance(mean(run), sign=-1.0))


def peeks(run, params):
    truth = run.scene.truth
    return sound(run, params) if truth is None else sound(run, params) + truth.astype(np.float32)


def divides_by_the_spread_of_a_band(run, params):
    spread = run.scene.read()[..., 0].std()
    with np.errstate(all="ignore"):
        return sound(run, params) / spread


def scores_nodata(run, params):
    return np.nan_to_num(sound(run, params))


def is_double(run, params):
    return sound(run, params).astype(np.float64)


def trusts_the_stored_type(run, params):
    return sound(run, params) * (2 if run.scene.source.info.dtype.kind == "i" else 1)


def refuses_at_length(run, params):
    if min(run.scene.shape) < 4:
        raise SceneError("the scene is small\nand this is why")
    return sound(run, params)


class Contract(MethodContract):
    method = "under-test"


@pytest.fixture
def kit(monkeypatch):
    """Return the kit for a detector that is not installed."""

    def build(detector, **of_method):
        described = Method(
            name="under-test", summary="A method", paper="none", detect="under_test:detect", **of_method
        )
        monkeypatch.setattr(host, "method", lambda name: described)
        monkeypatch.setattr(host, "resolve", lambda reference: detector)
        return Contract()

    return build


PROMISES = {
    "complete": lambda kit: kit.test_scores_are_finite_exactly_where_pixels_are_valid(40, 60),
    "right way up": lambda kit: kit.test_obvious_anomalies_score_above_the_background(),
    "blind": lambda kit: kit.test_anomalies_are_found_without_looking_at_the_truth(),
    "repeatable": lambda kit: kit.test_the_same_seed_gives_the_same_bytes(),
    "harmless": lambda kit: kit.test_the_scene_is_left_as_it_was(),
    "seamless": lambda kit: kit.test_a_streamed_scene_scores_as_one_in_memory(211),
    "typeless": lambda kit: kit.test_the_type_that_a_scene_is_stored_in_does_not_matter(">i2"),
    "constant bands": lambda kit: kit.test_constant_bands_do_no_harm(0.25),
    "tiny": lambda kit: kit.test_a_tiny_scene_is_scored_or_refused_in_one_line(3, 3, 20),
}


@pytest.mark.parametrize("promise", PROMISES)
def test_a_sound_method_keeps_every_promise(kit, promise):
    PROMISES[promise](kit(sound))


@pytest.mark.parametrize(
    ("detector", "promise"),
    [
        (scores_nodata, "complete"),
        (is_double, "complete"),
        (is_upside_down, "right way up"),
        (peeks, "blind"),
        (ignores_the_seed, "repeatable"),
        (writes_into_the_scene, "harmless"),
        (looks_at_its_block, "seamless"),
        (trusts_the_stored_type, "typeless"),
        (divides_by_the_spread_of_a_band, "constant bands"),
        (refuses_at_length, "tiny"),
    ],
)
def test_a_faulty_method_is_caught(kit, detector, promise):
    with pytest.raises(AssertionError, match=r"\Arule [a-z-]+: .*docs/plugins/testing.md#"):
        PROMISES[promise](kit(detector))


def test_a_map_that_cannot_travel_is_caught(kit):
    with pytest.raises(AssertionError, match=r"rule travelling: .*\n.*pickle"):
        kit(is_sealed).test_its_pieces_can_be_sent_to_other_processes()


def test_a_parameter_without_a_real_help_is_caught(kit):
    short = Param(name="size", type=int, default=3, help="The size")
    with pytest.raises(AssertionError, match="says too little"):
        kit(sound, params=(short,)).test_everything_it_declares_is_explained()


def test_a_reference_to_nothing_callable_is_caught(kit):
    with pytest.raises(AssertionError):
        kit("not a function").test_what_it_refers_to_exists()


def test_the_example_cube_is_the_same_every_time():
    first, second = example_cube(seed=4), example_cube(seed=4)
    np.testing.assert_array_equal(first[0], second[0])
    assert first[0].dtype == np.float32
    assert first[1].sum() == 6
    assert not np.array_equal(first[0], example_cube(seed=5)[0])


def test_the_example_scene_has_pixels_of_every_invalid_kind():
    cube = example_scene().read()
    assert np.isnan(cube).all(axis=-1).sum() == 6 * 12  # nodata in every band
    assert (np.isnan(cube).sum(axis=-1) == 1).sum() == 1
    assert np.isinf(cube).sum() == 1
