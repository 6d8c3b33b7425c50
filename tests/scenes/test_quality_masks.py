"""Quality masks: which apply, in which bands, and how many pixels each leaves out."""

import numpy as np
import pytest

from had_cli import Scene, detect
from had_cli.errors import SceneError
from had_cli.plugin import ArraySource, QualityLayer, SceneInfo, Window
from had_cli.scenes.quality import choose_quality, count_flagged

ROWS, COLS, BANDS = 11, 9, 5


def layer(name, flags, default=True):
    """Return a mask of rows x cols, or one that is kept by band."""

    def read(window, bands):
        part = flags[window.rows, window.cols]
        if part.ndim == 2:
            return part
        return (part if bands is None else part[..., bands]).any(axis=2)

    return QualityLayer(name=name, read=read, default=default)


@pytest.fixture
def made():
    rng = np.random.default_rng(1)
    cube = rng.normal(size=(ROWS, COLS, BANDS)).astype(np.float32)
    flags = {
        "cloud": rng.random((ROWS, COLS)) < 0.2,
        "water": rng.random((ROWS, COLS)) < 0.2,
        "faulty": rng.random((ROWS, COLS, BANDS)) < 0.05,
    }
    layers = (
        layer("cloud", flags["cloud"]),
        layer("water", flags["water"], default=False),
        layer("faulty", flags["faulty"]),
    )
    info = SceneInfo(path="line", format="array", shape=cube.shape, dtype=cube.dtype, quality=layers)
    return ArraySource(info, cube), cube, flags


def test_the_defaults_apply_and_are_counted(made):
    source, cube, flags = made
    scene = Scene(source)
    masked = flags["cloud"] | flags["faulty"].any(axis=2)
    assert np.array_equal(np.isnan(scene.read()).all(axis=2), masked)
    assert np.array_equal(scene.read()[~masked], cube[~masked])
    assert count_flagged(scene) == {
        "cloud": int(flags["cloud"].sum()),
        "faulty": int(flags["faulty"].any(axis=2).sum()),
    }
    assert detect(scene, "grx").quality == count_flagged(scene)


def test_a_mask_by_band_looks_at_the_bands_in_use(made):
    source, _, flags = made
    scene = Scene(source, bands=np.array([1, 3]), quality=[source.info.quality[2]])
    expected = flags["faulty"][..., [1, 3]].any(axis=2)
    assert np.array_equal(np.isnan(scene.read()).all(axis=2), expected)
    assert count_flagged(scene) == {"faulty": int(expected.sum())}


def test_a_window_shows_its_part_of_the_masks(made):
    source, _, flags = made
    window = Window(2, 3, 5, 6)
    scene = Scene(source).select(window=window, bands=[0, 2])
    expected = flags["cloud"] | flags["faulty"][..., [0, 2]].any(axis=2)
    assert np.array_equal(np.isnan(scene.read()).all(axis=2), expected[window.rows, window.cols])
    inner = Window(1, 2, 3, 2)
    first, _, faulty = scene.info.quality
    there = Window(3, 5, 3, 2)
    assert np.array_equal(first.read(inner, None), flags["cloud"][there.rows, there.cols])
    assert np.array_equal(faulty.read(inner, np.array([1])), flags["faulty"][there.rows, there.cols, 2])


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        (None, ["cloud", "faulty"]),
        ("none", []),
        ("water", ["water"]),
        (" Water , cloud", ["cloud", "water"]),
        (["water"], ["water"]),
        ([], []),
    ],
)
def test_masks_are_chosen_by_name(made, asked, chosen):
    assert [one.name for one in choose_quality(made[0].info, asked)] == chosen


@pytest.mark.parametrize("asked", ["fog", "cloud,fog", "", "cloud,none"])
def test_a_mask_that_is_not_there_is_refused(made, asked):
    with pytest.raises(SceneError, match=r"there is no quality mask .*; it has cloud, water, faulty"):
        choose_quality(made[0].info, asked)


def test_a_scene_without_masks_has_none_to_choose():
    info = Scene.from_array(np.zeros((2, 2, 2))).info
    assert choose_quality(info, None) == choose_quality(info, "none") == ()
    with pytest.raises(SceneError, match="it has none; leave --quality out"):
        choose_quality(info, "cloud")


def test_two_masks_of_one_name_are_refused(made):
    cloud = made[0].info.quality[0]
    with pytest.raises(SceneError, match="two quality masks have one name"):
        SceneInfo(path="x", format="array", shape=(1, 1, 1), dtype=np.dtype("f4"), quality=(cloud, cloud))
