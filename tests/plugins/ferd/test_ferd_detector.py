"""A scene of any size, cut in any way, on any number of bands: the scores of the definition."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name

from had_cli import detect, open_scene
from had_cli.engine.blocks import windows, with_halo
from had_cli.engine.executor import Executor
from had_cli.engine.reductions import Extrema
from had_cli.errors import SceneError
from had_cli.plugin import Block
from had_cli.plugin.testing import example_cube
from had_cli.scenes.bands import BandGrid, Resampling
from had_cli.scenes.scene import Scene
from had_ferd.detector import enhanced
from had_ferd.enhancement import PIECE, CubeStatistics, Enhance
from had_ferd.fen import PAD, random_fen
from had_ferd.importer import import_weights
from had_ferd.weights import from_weights, to_weights
from had_grx.detector import score as grx

BANDS = 12


def cube(rows: int, cols: int, bands: int = BANDS) -> np.ndarray:
    return example_cube(rows, cols, bands)[0]


def cut(function: Enhance, scene: np.ndarray, valid: np.ndarray, tile: int) -> np.ndarray:
    """Return the enhanced cube, computed tile by tile."""
    rows, cols, _ = scene.shape
    result = np.full((*scene.shape[:2], function.fen.bands), np.nan, np.float32)
    for core in windows(rows, cols, (tile, tile)):
        outer, inner = with_halo(core, PAD, rows, cols)
        block = Block(scene[outer.rows, outer.cols], valid[outer.rows, outer.cols], outer, inner, np)
        result[core.rows, core.cols] = function(block)
    return result


def literal(fen, scene: np.ndarray) -> np.ndarray:
    """Return x + f as the definition has it, of a whole scene in one piece."""
    low, high = scene.min(), scene.max()
    x = 0.1 * (2 * (torch.from_numpy(scene) - low) / (high - low) - 1).permute(2, 0, 1)[None]
    with torch.inference_mode():
        y = F.pad(x, (4, 4, 4, 4), mode="reflect")
        y = fen.encoder(fen.convh(y))[0][..., 4:-4, 4:-4]
        return (x + fen.pc(y))[0].permute(1, 2, 0).numpy()


def plain(fen, scene: np.ndarray) -> Enhance:
    known = CubeStatistics(Extrema(scene.min(), scene.max()), scene.mean((0, 1)).astype(np.float64))
    return Enhance(fen, Resampling(None, "none"), known)


@pytest.mark.parametrize("tile", [32, 50, 200])
def test_tiles_give_the_features_of_the_whole_scene(tile: int):
    scene = cube(PIECE + 75, 90)
    fen = random_fen(BANDS)
    whole = literal(fen, scene)
    tiled = cut(plain(fen, scene), scene, np.ones(scene.shape[:2], bool), tile)
    np.testing.assert_allclose(tiled, whole, rtol=1e-5, atol=1e-5 * np.abs(whole).max())


@pytest.mark.parametrize(("rows", "cols"), [(5, 5), (6, 70), (70, 6), (60, 9)])
@pytest.mark.parametrize("tile", [1, 3, 4, 7])
def test_a_scene_little_larger_than_the_border_is_reflected_at_its_own_edge(rows, cols, tile):
    scene = cube(rows, cols)
    fen = random_fen(BANDS)
    tiled = cut(plain(fen, scene), scene, np.ones((rows, cols), bool), tile)
    np.testing.assert_allclose(tiled, literal(fen, scene), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 9), (4, 3)])
def test_a_scene_smaller_than_the_border_is_reflected_again_and_again(rows, cols):
    scene = cube(rows, cols)
    fen = random_fen(BANDS)
    again = np.pad(scene, ((8, 8), (8, 8), (0, 0)), mode="reflect")
    inside = literal(fen, again)[8:-8, 8:-8]
    whole = cut(plain(fen, scene), scene, np.ones((rows, cols), bool), 9)
    np.testing.assert_allclose(whole, inside, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("tile", [32, 50, 200])
def test_scores_do_not_depend_on_the_size_of_blocks(tile: int):
    scene = Scene.from_array(cube(210, 120))
    fen, grid = random_fen(BANDS), BandGrid(BANDS)
    with Executor(scene) as run:
        whole = grx(enhanced(run, fen, grid))
    with Executor(scene, stream=True, block_pixels=(tile + 2 * PAD) ** 2) as run:
        tiled = grx(enhanced(run, fen, grid))
    np.testing.assert_allclose(tiled, whole, rtol=1e-5)


def test_the_enhanced_cube_is_scored_by_grx():
    scene = cube(40, 50)
    fen = random_fen(BANDS)
    with Executor(Scene.from_array(scene)) as run:
        scores = grx(enhanced(run, fen, BandGrid(BANDS)))
    x = literal(fen, scene).reshape(-1, BANDS).astype(np.float64)
    centred = x - x.mean(0)
    expected = np.einsum("ni,ij,nj->n", centred, np.linalg.inv(np.cov(x.T)), centred).reshape(40, 50)
    np.testing.assert_allclose(scores, expected, rtol=1e-3)


def test_what_stands_in_invalid_pixels_does_not_matter():
    scene = cube(40, 50)
    fen = random_fen(BANDS)
    valid = np.ones((40, 50), bool)
    valid[10:20, 15:30] = False
    features = []
    for rubbish in (np.nan, -9999.0, 1e30):
        spoilt = scene.copy()
        spoilt[~valid] = rubbish
        with Executor(Scene.from_array(spoilt, nodata=rubbish)) as run:
            features.append(enhanced(run, fen, BandGrid(BANDS)).scene.read())
    for other in features[1:]:
        np.testing.assert_array_equal(other, features[0])
    assert np.isnan(features[0][~valid]).all()
    assert np.isfinite(features[0][valid]).all()


def test_invalid_pixels_show_the_mean_spectrum_to_their_neighbours():
    scene = cube(30, 30)
    hole = scene.copy()
    valid = np.ones((30, 30), bool)
    valid[12:15, 12:15] = False
    hole[~valid] = np.nan
    fen = random_fen(BANDS)
    filled = scene.copy()
    filled[~valid] = scene[valid].mean(0)
    known = CubeStatistics(Extrema(scene[valid].min(), scene[valid].max()), scene[valid].mean(0))
    function = Enhance(fen, Resampling(None, "none"), known)
    expected = cut(function, filled, np.ones_like(valid), 30)
    with Executor(Scene.from_array(hole)) as run:
        features = enhanced(run, fen, BandGrid(BANDS)).scene.read()
    np.testing.assert_allclose(features[valid], expected[valid], rtol=1e-4, atol=1e-6)


def test_bands_are_resampled_and_the_result_says_how(tmp_path: Path):
    weights = tmp_path / "w.safetensors"
    to_weights(random_fen(20), BandGrid(20, np.linspace(450, 900, 20))).save(weights)
    by_index = detect(cube(30, 30, 16), "ferd", weights=weights, device="cpu")
    assert by_index.facts["resampled_by"] == "index"
    assert by_index.facts["network_bands"] == 20
    scene = Scene.from_array(cube(30, 30, 16), wavelengths=np.linspace(450, 800, 16))
    by_wavelength = detect(scene, "ferd", weights=weights, device="cpu")
    assert by_wavelength.facts["resampled_by"] == "wavelength"
    assert "lie outside and take the value of the nearest band" in by_wavelength.warnings[0]
    with pytest.raises(SceneError, match="2 bands cannot stand for the 20 of the network"):
        detect(cube(30, 30, 2), "ferd", weights=weights, device="cpu")


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_less_precision_in_the_encoder_moves_features_little(precision: str):
    scene = cube(20, 20)
    fen = random_fen(BANDS)
    exact, valid = plain(fen, scene), np.ones((20, 20), bool)
    rough = Enhance(fen, exact.spectra, exact.statistics, precision)
    np.testing.assert_allclose(cut(rough, scene, valid, 20), cut(exact, scene, valid, 20), atol=0.03)


AUC = {  # scene, bands, scoring: AUC of the released system (methods/README.md)
    ("abu-airport-1", "1-200", "grx"): 0.9489,
    ("abu-airport-2", "1-200", "grx"): 0.9871,
    ("abu-urban-1", "1-200", "grx"): 0.9964,
    ("abu-urban-2", "1-200", "grx"): 0.9906,
    ("abu-airport-1", "1-200", "slrx"): 0.9653,
    ("abu-airport-2", "1-200", "slrx"): 0.9870,
    ("abu-urban-1", "1-200", "slrx"): 0.9963,
    ("abu-beach-1", None, "grx"): 0.9936,
    ("abu-beach-4", None, "grx"): 0.9979,
    ("sandiego", None, "grx"): 0.9759,
    ("hydice", None, "grx"): 0.9503,
    ("abu-airport-1", None, "grx"): 0.9499,
}


@pytest.fixture(scope="module")
def released(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ferd") / "aviris-200.safetensors"
    import_weights(shared / "upstream-weights" / "ferd" / "aviris-200").save(path)
    return path


@pytest.mark.parametrize(("name", "bands", "scoring"), AUC)
def test_the_released_weights_reach_the_published_figures(shared, released, name, bands, scoring):
    with open_scene(shared / "scenes" / f"{name}.mat", bands=bands) as scene:
        found = detect(scene, "ferd", weights=released, scoring=scoring, device="cpu")
    assert found.evaluation.auc == pytest.approx(AUC[name, bands, scoring], abs=0.001)


@pytest.mark.parametrize("name", ["aviris-ng-50", "aviris-ng-100"])
def test_the_released_weights_of_fewer_bands_run(shared, name, tmp_path):
    weights = tmp_path / "w.safetensors"
    import_weights(shared / "upstream-weights" / "ferd" / name).save(weights)
    with open_scene(shared / "scenes" / "sandiego.mat") as scene:
        found = detect(scene, "ferd", weights=weights, device="cpu")
    assert found.facts["network_bands"] == int(name.rsplit("-", 1)[1])
    assert found.evaluation.auc > 0.9


@pytest.mark.parametrize("tile", [32, 50, 200])
def test_a_real_scene_in_tiles_scores_as_the_whole(shared, released, tile):
    from had_cli.weights.file import load_weights

    fen, grid = from_weights(load_weights(released))
    with open_scene(shared / "scenes" / "abu-airport-2.mat", bands="1-200") as scene:
        with Executor(scene) as run:
            whole = grx(enhanced(run, fen, grid))
        with Executor(scene, stream=True, block_pixels=(tile + 2 * PAD) ** 2) as run:
            tiled = grx(enhanced(run, fen, grid))
    np.testing.assert_allclose(tiled, whole, rtol=1e-5, atol=1e-5 * whole.max())
