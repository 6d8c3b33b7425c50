"""From scenes to weights, and from weights to a map."""

import json

import numpy as np
import pytest

from had_cli import detect
from had_cli.errors import HadError, OutputExistsError, PluginError, UsageError
from had_cli.scenes.fingerprint import scene_hash
from had_cli.scenes.scene import Scene
from had_cli.training.train import train
from had_cli.weights.file import load_weights


@pytest.fixture
def cube():
    return np.random.default_rng(3).normal(50, 4, (9, 7, 5)).astype(np.float32)


def test_weights_hold_what_was_learnt_and_where_from(mean, cube, tmp_path):
    scene = Scene.from_array(cube, name="line")
    path = tmp_path / "w.safetensors"
    weights = train([scene], mean, path, seed=4, share=1.0)
    np.testing.assert_allclose(weights.tensors["centre"], cube.mean(axis=(0, 1)), rtol=1e-6)
    header = load_weights(path, method=mean).header
    assert header["parameters"] == {"share": 1.0, "mode": "mean"}
    assert header["scenes"] == [{"name": "line", "sha256": scene_hash(scene)}]
    assert (header["seed"], header["device"], header["bands"]) == (4, "cpu", 5)
    assert header["versions"]["had-mean"] == "1.0"
    assert {"had", "numpy", "python"} <= set(header["versions"])


def test_training_twice_gives_the_same_bytes(mean, cube, tmp_path):
    first, second = (train([Scene.from_array(cube)], mean, tmp_path / n) for n in "ab")
    assert first.hash == second.hash


def test_trained_weights_detect_and_their_hash_goes_along(mean, cube, tmp_path):
    path = tmp_path / "w.safetensors"
    weights = train([Scene.from_array(cube)], mean, path)
    found = detect(cube, mean, weights=path)
    expected = np.linalg.norm(cube - cube.mean(axis=(0, 1)), axis=2)
    np.testing.assert_allclose(found.scores, expected, rtol=1e-5)
    assert found.weights_hash == weights.hash


def test_progress_and_warnings_reach_the_caller(mean, cube, tmp_path):
    steps, warnings = [], []
    weights = train(
        [Scene.from_array(cube)],
        mean,
        tmp_path / "w",
        share=0.001,
        progress=lambda label, fraction, **numbers: steps.append((label, fraction, numbers)),
        warn=warnings.append,
    )
    assert steps == [("training", 0.5, {"loss": 1.0})]
    assert warnings == weights.header["warnings"] == ["almost nothing to learn from"]


def test_a_method_without_training_says_so(cube, tmp_path):
    with pytest.raises(PluginError, match="grx needs no training; had detect -m grx runs at once"):
        train([Scene.from_array(cube)], "grx", tmp_path / "w")


def test_what_is_wrong_is_told_before_anything_is_trained(mean, cube, tmp_path):
    scenes, path = [Scene.from_array(cube)], tmp_path / "w"
    with pytest.raises(UsageError, match="--share takes 0 to 1"):
        train(scenes, mean, path, share=2.0)
    with pytest.raises(UsageError, match="power"):
        train(scenes, mean, path, power=2.0)
    with pytest.raises(UsageError, match="--resume needs the folder"):
        train(scenes, mean, path, resume=True)
    with pytest.raises(UsageError, match="at least one scene"):
        train([], mean, path)
    path.write_text("mine")
    with pytest.raises(OutputExistsError):
        train(scenes, mean, path)
    assert path.read_text() == "mine"


def test_training_that_returns_no_weights_is_told(site, cube, tmp_path):
    from distributions import MEAN, install

    broken = MEAN.replace('return Weights(method="mean"', 'return Weights(method="other"')
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": broken})
    with pytest.raises(HadError, match="training of mean returned no weights of mean"):
        train([Scene.from_array(cube)], "mean", tmp_path / "w")
    assert not (tmp_path / "w").exists()


def test_a_scene_hash_names_the_pixels_not_the_file(cube):
    hashed = scene_hash(Scene.from_array(cube, name="a"))
    assert hashed == scene_hash(Scene.from_array(cube.astype(">f4").astype(np.float64), name="b"))
    assert hashed != scene_hash(Scene.from_array(cube).select(bands=[0, 1]))
    assert hashed != scene_hash(Scene.from_array(cube.reshape(7, 9, 5)))
    assert hashed != scene_hash(Scene.from_array(cube).select(mask=np.arange(63).reshape(9, 7) > 0))


def test_every_nan_is_alike_to_the_hash(cube):
    first, second = cube.copy(), cube.copy()
    first[2, 3] = np.nan
    second[2, 3] = np.uint32([0xFFC00001]).view(np.float32)[0]
    assert scene_hash(Scene.from_array(first)) == scene_hash(Scene.from_array(second))


def test_a_large_scene_is_hashed_in_pieces(cube):
    tall = np.tile(cube, (20, 1, 1))
    assert scene_hash(Scene.from_array(tall)) == scene_hash(Scene.from_array(tall.copy(order="F")))


def test_the_header_is_json_for_anyone(mean, cube, tmp_path):
    from safetensors import safe_open

    train([Scene.from_array(cube)], mean, tmp_path / "w")
    with safe_open(tmp_path / "w", "np") as file:
        assert json.loads(file.metadata()["had"])["method"] == "mean"


# -- killed at the end ----------------------------------------------------------------------------
def test_weights_of_this_training_that_are_there_already_are_left_and_returned(mean, cube, tmp_path):
    options = {"checkpoint": tmp_path / "state", "share": 1.0}
    first = train([Scene.from_array(cube)], mean, tmp_path / "w", **options)
    written = (tmp_path / "w").stat().st_mtime_ns
    left = tmp_path / ".had-abcdefgh-w"  # by this training, killed once they had taken their place
    left.mkdir()
    (left / "lock").touch()
    again = train([Scene.from_array(cube)], mean, tmp_path / "w", resume=True, **options)
    assert again.hash == first.hash
    assert (tmp_path / "w").stat().st_mtime_ns == written
    assert not left.exists()


def test_other_weights_are_not_replaced_by_a_resumed_training(mean, cube, tmp_path):
    state = tmp_path / "state"
    train([Scene.from_array(cube)], mean, tmp_path / "w", share=0.5)
    for share, seed, some in ((1.0, 0, cube), (0.5, 1, cube), (0.5, 0, cube[1:])):
        with pytest.raises(OutputExistsError, match="exists already"):
            train(
                [Scene.from_array(some)],
                mean,
                tmp_path / "w",
                share=share,
                seed=seed,
                checkpoint=state,
                resume=True,
            )
    (tmp_path / "w").write_text("mine")
    with pytest.raises(OutputExistsError):
        train([Scene.from_array(cube)], mean, tmp_path / "w", checkpoint=state, resume=True)
    assert (tmp_path / "w").read_text() == "mine"
    assert not state.exists()


def test_a_log_that_nobody_writes_is_told(mean, cube, tmp_path):
    warnings = []
    train([Scene.from_array(cube)], mean, tmp_path / "w", log_file=tmp_path / "log", warn=warnings.append)
    assert warnings == [f"{mean} does not train by the loop of had: {tmp_path / 'log'} was not written"]


def test_a_method_that_would_not_look_at_weights_to_begin_from_refuses_them(mean, cube, tmp_path):
    weights = train([Scene.from_array(cube)], mean, tmp_path / "w")
    with pytest.raises(
        UsageError, match=r"mean cannot begin from weights; leave --from out\. These can: .*tdd"
    ):
        train([Scene.from_array(cube)], mean, tmp_path / "v", from_weights=weights)
    assert not (tmp_path / "v").exists()
