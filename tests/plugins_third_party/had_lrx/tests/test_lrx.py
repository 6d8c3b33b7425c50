"""had-lrx against its definition, written out literally, and against the contract of every method."""

from typing import ClassVar

import numpy as np
import pytest
from had_lrx.detector import LocalDistance
from literal import literal

from had_cli.api import detect
from had_cli.plugin import Block, UsageError, Window, valid_pixels
from had_cli.plugin.testing import MethodContract, example_cube, example_scene


class TestLrx(MethodContract):
    method = "lrx"
    params: ClassVar = {"inner": 3, "outer": 9}


class TestLrxInSmallWindowsWithRidge(MethodContract):
    method = "lrx"
    params: ClassVar = {"inner": 1, "outer": 5, "ridge": 1e-2}
    bands = 30


@pytest.mark.parametrize("engine", ["memory", "stream"])
@pytest.mark.parametrize(("bands", "ridge"), [(6, 0.0), (30, 0.0), (6, 0.1), (30, 1e-3), (1, 0.0)])
def test_scores_are_those_of_the_definition(bands, ridge, engine):
    scene = example_scene(17, 22, bands)
    expected = literal(scene.read(), 3, 7, ridge)
    memory = 150 * bands * 4 * 8
    found = detect(scene, "lrx", inner=3, outer=7, ridge=ridge, engine=engine, memory=memory)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-5)


def test_a_window_larger_than_the_scene_is_clipped():
    cube, _ = example_cube(6, 5, 4)
    np.testing.assert_allclose(detect(cube, "lrx", inner=1, outer=21).scores, literal(cube, 1, 21), rtol=1e-5)


def test_windows_with_no_more_pixels_than_bands_are_counted_and_told():
    cube, _ = example_cube(12, 12, 30)
    found = detect(cube, "lrx", inner=1, outer=7)
    # the window has 48 background pixels inside the scene, and 27 or fewer along its edges
    assert found.facts["singular_pixels"] == 56
    assert "56 of 144 pixels have no more background pixels than bands (30)" in found.warnings[0]
    assert not detect(cube, "lrx", inner=1, outer=7, ridge=0.01).warnings
    assert not detect(cube[..., :3], "lrx", inner=1, outer=7).warnings


def test_a_pixel_without_background_scores_zero_and_is_told():
    cube, _ = example_cube(9, 9, 3)
    cube[:, 4:] = np.nan
    cube[4, 8] = 0.5
    found = detect(cube, "lrx", inner=1, outer=5)
    assert found.scores[4, 8] == 0
    assert "1 pixels have fewer than two background pixels" in found.warnings[1]


@pytest.mark.parametrize(
    ("inner", "outer", "message"), [(2, 7, "odd"), (3, 8, "odd"), (7, 7, "larger"), (9, 7, "larger")]
)
def test_impossible_windows_are_wrong_usage(inner, outer, message):
    with pytest.raises(UsageError, match=message):
        detect(example_cube(9, 9, 3)[0], "lrx", inner=inner, outer=outer)


def test_torch_gives_the_same_scores_as_numpy():
    import array_api_compat.torch as xp

    cube, _ = example_cube(14, 12, 8)
    valid = valid_pixels(cube)
    window, core = Window(0, 0, 12, 14), Window(2, 3, 8, 9)
    of_numpy = LocalDistance(3, 7, 0.0)(Block(cube, valid, window, core, np))
    of_torch = LocalDistance(3, 7, 0.0)(Block(xp.asarray(cube), xp.asarray(valid), window, core, xp))
    np.testing.assert_allclose(of_torch.numpy(), of_numpy, rtol=1e-5)
