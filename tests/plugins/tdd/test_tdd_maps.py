"""The network over maps: what it sees, what it begins as, and how it is trained."""

import numpy as np
import pytest
import tdd_small
import torch

from had_cli import detect, evaluate
from had_cli.engine.executor import Executor
from had_cli.errors import UsageError, WeightsError
from had_cli.plugin.testing import MethodContract, example_cube
from had_cli.scenes.scene import Scene
from had_cli.training.train import train
from had_cli.weights.file import Weights, load_weights
from had_ssf.detector import three_maps
from had_tdd.evidence import NAMES, START, evidence
from had_tdd.maps_network import MapsNetwork, ranking_loss, scored
from had_tdd.maps_trainer import Sample, batch, varied
from had_tdd.weights import maps_weights

QUICK = {"recipe": "maps", "patches": 6, "epochs": 2, "device": "cpu"}


def network(width=16):
    """Return a network whose hidden layers have a say."""
    made = MapsNetwork(width)
    made.begin(0)
    with torch.no_grad():
        made.leave.weight.fill_(0.1)
    return made.eval().requires_grad_(requires_grad=False)


def scene(seed=0, rows=40, cols=50):
    return Scene.from_array(example_cube(rows, cols, 12, seed=seed)[0], name=f"scene{seed}")


class TestTddOverMaps(MethodContract):
    method = "tdd"
    least_auc = 0.9
    # log-ranks: where two pixels exchange their places, scores differ by more than rounding
    rtol = 1e-3
    atol = 1e-4

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def untrained(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.weights = tmp_path_factory.mktemp("weights") / "tdd.safetensors"
        maps_weights(network()).save(cls.weights)


def test_maps_are_log_ranks_of_the_scene():
    cube, _ = example_cube(30, 36, 12)
    with Executor(Scene.from_array(cube)) as run:
        layers, maps = evidence(run), three_maps(run)
    assert layers.shape == (30, 36, len(NAMES))
    count = 30 * 36
    for name, layer in zip(NAMES, np.moveaxis(layers, -1, 0), strict=True):
        if name == "large":
            assert layer.min() >= 0
            assert (layer <= layers[..., :3].sum(axis=-1) + 1e-4).all()
        else:
            assert layer.max() == pytest.approx(np.log(count), rel=1e-5)
            assert layer.min() >= 0
    for number in range(3):
        assert np.argmax(layers[..., number]) == np.argmax(maps[..., number])


def test_distances_are_those_of_whitened_components():
    """Of white noise, whitened components are the noise itself, up to a turn."""
    cube = np.random.default_rng(0).normal(size=(40, 44, 6)).astype(np.float32)
    cube[20, 22] += 6
    with Executor(Scene.from_array(cube)) as run:
        layers = evidence(run)
    pixels = cube.reshape(-1, 6).astype(np.float64)
    pixels -= pixels.mean(axis=0)
    distances = np.einsum("ij,jk,ik->i", pixels, np.linalg.inv(np.cov(pixels.T)), pixels)
    expected = np.argsort(np.argsort(distances))
    found = np.argsort(np.argsort(layers[..., NAMES.index("scene")].ravel()))
    assert np.corrcoef(expected, found)[0, 1] > 0.9999
    assert np.unravel_index(layers[..., START].argmax(), (40, 44)) == (20, 22)


def test_pixels_without_data_have_no_rank_and_no_score():
    cube, _ = example_cube(30, 36, 12)
    cube[:6, :9] = -9999
    cube[20, 20] = -9999
    holey = Scene.from_array(cube, nodata=-9999.0)
    with Executor(holey) as run:
        layers = evidence(run)
    gone = (cube == -9999).all(axis=-1)
    np.testing.assert_array_equal(np.isnan(layers), np.broadcast_to(gone[..., None], layers.shape))
    scores = detect(holey, "tdd", weights=maps_weights(network())).scores
    np.testing.assert_array_equal(np.isnan(scores), gone)


def test_an_untrained_network_is_the_distance_from_the_surroundings():
    layers = np.random.default_rng(0).random((20, 30, len(NAMES)), np.float32)
    untrained, out = MapsNetwork(), np.empty((20, 30), np.float32)
    untrained.begin(3)
    scored(untrained, layers, out)
    np.testing.assert_allclose(out, layers[..., START], rtol=1e-6)


def test_strips_give_what_the_whole_gives(monkeypatch):
    layers = np.random.default_rng(0).random((50, 30, len(NAMES)), np.float32)
    whole, strips = (np.empty((50, 30), np.float32) for _ in range(2))
    scored(network(), layers, whole)
    monkeypatch.setattr("had_tdd.maps_network.ROWS", 7)
    scored(network(), layers, strips)
    np.testing.assert_allclose(strips, whole, rtol=1e-5)


def test_the_loss_is_a_smooth_share_of_pairs_in_the_wrong_order():
    truth = torch.tensor([[[1, 0, 0, -1]]])
    far = torch.tensor([[[50.0, 0.0, 0.0, 999.0]]])
    assert ranking_loss(far, truth) < 1e-6
    assert ranking_loss(-far, truth) == pytest.approx(50)
    assert ranking_loss(torch.zeros(1, 1, 4), truth) == pytest.approx(np.log(2))
    assert ranking_loss(far, torch.zeros(1, 1, 4)) == 0  # no pair


def test_a_sample_is_turned_whole_and_keeps_its_anomalies():
    maps = torch.arange(2 * 30 * 40.0).reshape(2, 30, 40)
    truth = (maps[0] % 97 == 0).to(torch.int8)
    for seed in range(8):
        turned = varied(np.random.default_rng(seed), Sample(maps, truth))
        assert turned.truth.shape == turned.maps.shape[1:]
        np.testing.assert_array_equal(turned.truth == 1, turned.maps[0] % 97 == 0)
        assert int((turned.truth == 0).sum()) == 512
    joined = batch([Sample(maps, truth), Sample(maps[:, :10], truth[:10])])
    assert joined.maps.shape == (2, 2, 30, 40)
    assert bool((joined.truth[1, 10:] == -1).all())


# -- training -------------------------------------------------------------------------------------
def trained(folder, name, seed=0, **options):
    path = folder / f"{name}.safetensors"
    train([scene(), scene(1)], "tdd", path, seed=seed, **{**QUICK, **options})
    return path


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path):
    one, again, other = trained(tmp_path, "a"), trained(tmp_path, "b"), trained(tmp_path, "c", seed=1)
    assert one.read_bytes() == again.read_bytes() != other.read_bytes()


def test_an_interrupted_training_resumes_to_the_same_bytes(tmp_path):
    class HaltedError(Exception):
        pass

    def stop(label, fraction, **numbers):
        if label == "epochs" and numbers["epoch"] == 2:
            raise HaltedError

    whole = trained(tmp_path, "whole")
    with pytest.raises(HaltedError):
        trained(tmp_path, "resumed", checkpoint=tmp_path / "state", progress=stop)
    resumed = trained(tmp_path, "resumed", checkpoint=tmp_path / "state", resume=True)
    assert resumed.read_bytes() == whole.read_bytes()


def test_training_lowers_the_loss_on_samples_that_are_not_learned_from(tmp_path):
    weights = load_weights(trained(tmp_path, "w", patches=15, epochs=8))
    losses = weights.header["metrics"]["held_out_losses"]
    assert min(losses) < losses[0]
    assert weights.header["metrics"]["epoch"] == 1 + int(np.argmin(losses))
    cube, truth = example_cube(40, 44, 30, seed=5)
    assert evaluate(detect(cube, "tdd", weights=weights).scores, truth).auc > 0.95


def test_weights_take_scenes_of_any_bands_and_keep_a_probe(tmp_path):
    weights = load_weights(trained(tmp_path, "w"))
    assert weights.header["bands"] == "any"
    assert len(weights.header["probe"]["scores"]) > 30
    for bands in (3, 102, 425):
        assert np.isfinite(detect(example_cube(20, 24, bands)[0], "tdd", weights=weights).scores).all()


def test_weights_learn_on_from_a_users_own_scenes(tmp_path):
    first = trained(tmp_path, "first")
    path = tmp_path / "on.safetensors"
    untouched = {**QUICK, "epochs": 1, "decoder_rate": 1e-8}
    same = train([scene(2)], "tdd", path, from_weights=first, **untouched)
    before = load_weights(first)
    for name, tensor in same.tensors.items():
        np.testing.assert_allclose(tensor, before.tensors[name], atol=1e-5)
    assert same.header["begun_from"] == before.hash
    assert [s["name"] for s in same.header["scenes"]] == ["scene2"]
    learned = train([scene(2)], "tdd", tmp_path / "more.safetensors", from_weights=first, **QUICK)
    assert not np.allclose(learned.tensors["sum"], before.tensors["sum"], atol=1e-4)


def test_a_state_of_a_training_that_began_from_other_weights_is_refused(tmp_path):
    first, state = trained(tmp_path, "first"), tmp_path / "state"
    trained(tmp_path, "second", checkpoint=state, from_weights=first)
    with pytest.raises(WeightsError, match="with other weights to begin from"):
        trained(tmp_path, "third", checkpoint=state, resume=True)


# -- what is refused ------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"width": 0.5}, "--width is not for"),
        ({"prior": False}, "--no-prior"),
        ({"store": "float16"}, "--store"),
    ],
    ids=str,
)
def test_options_of_the_published_network_are_refused_before_any_work(tmp_path, option, complaint):
    with pytest.raises(UsageError, match=complaint):
        trained(tmp_path, "w", **option)


@pytest.mark.parametrize("option", [{"patch": 20}, {"tile_metres": 9.0}, {"suppress_bright": True}], ids=str)
def test_options_of_tiles_are_refused_beside_these_weights(option):
    with pytest.raises(UsageError, match="is for networks that see tiles"):
        detect(example_cube(20, 24, 8)[0], "tdd", weights=maps_weights(network()), **option)


@pytest.mark.parametrize(
    "change", [{"maps": ["th"]}, {"network": {"kind": "maps", "width": "wide"}}], ids=["maps", "width"]
)
def test_weights_over_other_maps_are_refused(change):
    sound = maps_weights(network())
    odd = Weights(method="tdd", tensors=sound.tensors, header={**sound.header, **change})
    with pytest.raises(WeightsError, match="describes no network"):
        detect(example_cube(20, 24, 8)[0], "tdd", weights=odd)


def test_a_network_over_tiles_is_no_beginning_of_one_over_maps(tmp_path):
    tdd_small.model().weights().save(tmp_path / "tiles.safetensors")
    with pytest.raises(WeightsError, match=r"tiles\.safetensors: .*--recipe dependable"):
        trained(tmp_path, "w", from_weights=tmp_path / "tiles.safetensors")


def test_weights_that_are_no_numbers_are_refused():
    sound = maps_weights(network())
    tensors = {name: np.full_like(tensor, np.nan) for name, tensor in sound.tensors.items()}
    with pytest.raises(WeightsError, match="not finite"):
        detect(
            example_cube(20, 24, 8)[0],
            "tdd",
            weights=Weights(method="tdd", tensors=tensors, header=sound.header),
        )
