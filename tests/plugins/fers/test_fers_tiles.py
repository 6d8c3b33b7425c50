"""A scene of any size, cut in any way: no seams, and the whole image where it is small."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from networks import untrained
from scipy.ndimage import gaussian_filter

from had_cli import detect
from had_cli.engine.executor import Executor
from had_cli.errors import OutputError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.scene import Scene
from had_ferd.detector import enhancement
from had_ferd.enhancement import Enhance
from had_ferd.fen import PAD
from had_fers import summaries as module
from had_fers import tiles
from had_fers.features import Fused, SpatialFeature
from had_fers.summaries import summaries
from had_fers.tiles import WHOLE, Axis
from had_fers.weights import from_weights

BANDS = 10


@pytest.fixture(scope="module")
def networks():
    return from_weights(untrained(BANDS))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fers") / "w.safetensors"
    untrained(BANDS).save(path)
    return path


def cube(rows: int, cols: int) -> np.ndarray:
    return example_cube(rows, cols, BANDS)[0]


def spatial_of(run: Executor, networks, tile: int = 64) -> tuple[Enhance, SpatialFeature]:
    """Return FERD's block map and the spatial feature of a run's scene."""
    fen, network, grid = networks
    enhance = enhancement(run, fen, grid)
    return enhance, SpatialFeature(network.spp, summaries(run, network, enhance, tile))


def features(scene: Scene, networks, **executor) -> np.ndarray:
    """Return the fused cube x + f_spe + f_spa of a scene."""
    with Executor(scene, **executor) as run:
        function = Fused(*spatial_of(run, networks))
        return run.through(function, bands=BANDS, halo=PAD, cost=function.cost).scene.read()


def everywhere(spatial: SpatialFeature) -> np.ndarray:
    """Return the spatial feature of the whole scene."""
    field = torch.zeros(spatial.found.down.size, spatial.found.across.size, BANDS)
    with torch.inference_mode():
        spatial.add_to(field, 0, 0)
    return field.numpy()


# -- how an axis is cut ---------------------------------------------------------------------------
@given(size=st.integers(1, 3000), tile=st.integers(32, 256), data=st.data())
def test_tiles_cover_an_axis_and_their_shares_sum_to_one(size, tile, data):
    axis = Axis.of(size, tile)
    if size <= WHOLE:
        assert (list(axis.starts), axis.length) == ([0], size)
    else:
        assert 0.6 * tile < axis.length <= tile
        assert axis.starts[0] == 0
        assert axis.starts[-1] == size - axis.length
        assert np.abs(np.diff(axis.starts) - axis.length / 2).max() <= 1
    start = data.draw(st.integers(0, size - 1))
    stop = data.draw(st.integers(start + 1, min(size, start + 200)))
    total = np.zeros(stop - start)
    for index in range(len(axis.starts)):
        own = int(axis.starts[index])
        low, high = max(start, own), min(stop, own + axis.length)
        assert (index in axis.over(start, stop)) == (low < high)
        if low < high:
            share = axis.share(index, low, high)
            assert (share > 0).all()
            total[low - start : high - start] += share
    np.testing.assert_allclose(total, 1)


@given(size=st.integers(257, 2000), tile=st.integers(32, 256))
def test_no_tile_begins_or_ends_with_a_step(size, tile):
    axis = Axis.of(size, tile)
    for index, start in enumerate(axis.starts):
        share = axis.share(index, start, start + axis.length)
        # at the ends of the scene a tile is alone and keeps its weight
        first = share[0] if start else 0.0
        last = share[-1] if start + axis.length < size else 0.0
        assert max(first, last) < 0.01
        assert np.abs(np.diff(share)).max() < 4 / axis.length


# -- whole scenes ---------------------------------------------------------------------------------
@pytest.mark.parametrize(("rows", "cols"), [(40, 60), (256, 30), (150, 257)])
def test_an_axis_of_up_to_256_pixels_is_seen_whole(networks, rows, cols):
    scene = cube(rows, cols)
    _, network, _ = networks
    with Executor(Scene.from_array(scene)) as run:
        enhance, spatial = spatial_of(run, networks)
    found = everywhere(spatial)
    x = enhance.scaled(torch.from_numpy(scene), torch.ones(rows, cols, dtype=torch.bool))
    with torch.inference_mode():
        expected = network(x)[0].permute(1, 2, 0).numpy()
    same = np.allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())
    assert same == (cols <= 256)


def test_the_fused_cube_is_the_sum_of_cube_and_features(networks):
    scene = cube(40, 50)
    fen, network, _ = networks
    with Executor(Scene.from_array(scene)) as run:
        enhance, _ = spatial_of(run, networks)
    x = enhance.scaled(torch.from_numpy(scene), torch.ones(40, 50, dtype=torch.bool))
    with torch.inference_mode():
        expected = (x + fen(x) + network(x))[0].permute(1, 2, 0).numpy()
    found = features(Scene.from_array(scene), networks)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())


# -- scenes in tiles ------------------------------------------------------------------------------
@pytest.mark.parametrize("pixels", [900, 5000, 20000])
def test_features_do_not_depend_on_the_blocks_of_the_engine(networks, pixels):
    scene = Scene.from_array(cube(300, 70))
    whole = features(scene, networks)
    streamed = features(scene, networks, stream=True, block_pixels=pixels)
    np.testing.assert_allclose(streamed, whole, rtol=1e-5, atol=1e-6 * whole.max())


def steps(values: np.ndarray, axis: Axis) -> tuple[float, float, float]:
    """Return the mean absolute step down the rows across borders of tiles, beside them, and elsewhere."""
    found = np.abs(np.diff(values, axis=0)).reshape(len(values) - 1, -1).mean(1)
    rows = np.arange(1, len(values))
    borders = [*axis.starts[1:], *(axis.starts[:-1] + axis.length)]
    away = np.min([np.abs(rows - border) for border in borders], axis=0)
    return tuple(float(found[part].mean()) for part in (away == 0, (away == 1) | (away == 2), away > 0))


@pytest.mark.parametrize("turned", [False, True])
def test_the_spatial_feature_of_a_cut_scene_has_no_seam(networks, turned):
    with Executor(Scene.from_array(cube(500, 300))) as run:
        _, spatial = spatial_of(run, networks)
    found, axis = everywhere(spatial), spatial.found.down
    if turned:
        found, axis = found.transpose(1, 0, 2), spatial.found.across
    border, beside, _ = steps(found, axis)
    assert border <= 1.02 * beside


def test_without_blending_there_would_be_seams(networks, monkeypatch):
    scene = Scene.from_array(cube(500, 100))
    monkeypatch.setattr(tiles, "_bump", np.ones)
    with Executor(scene) as run:
        _, spatial = spatial_of(run, networks)
    border, beside, _ = steps(everywhere(spatial), spatial.found.down)
    assert border > 1.5 * beside


def landscape(rows: int, cols: int) -> np.ndarray:
    """Return a scene without any period, which might fall in with that of the tiles."""
    random = np.random.default_rng(0)
    spectra = example_cube(1, 3, BANDS)[0][0]
    abundances = [gaussian_filter(random.normal(size=(rows, cols)), 8) * 30 for _ in spectra]
    cube = np.tensordot(np.stack(abundances, axis=-1), spectra, axes=1)
    return (cube + 0.01 * random.normal(size=cube.shape)).astype(np.float32)


def test_a_large_scene_has_no_seam_in_its_scores(weights):
    found = detect(
        landscape(1000, 1000), "fers", weights=weights, fusion="sum", precision="bfloat16", device="cpu"
    )
    axis = Axis.of(1000, found.facts["tile_size"])
    for values in (found.scores, found.scores.T):
        border, beside, elsewhere = steps(values, axis)
        assert border <= 1.02 * beside
        of_rows = np.abs(np.diff(values, axis=0)).mean(1)
        chance = of_rows.std() / np.sqrt(2 * (len(axis.starts) - 1))  # of a mean over as many rows as borders
        assert border <= elsewhere + 2 * chance


def test_a_tile_without_any_valid_pixel_costs_nothing_and_changes_nothing(networks, monkeypatch):
    scene = cube(600, 40)
    scene[300:] = np.nan
    counted = []
    original = module._PlacedNetwork._compute
    monkeypatch.setattr(
        module._PlacedNetwork,
        "_compute",
        lambda self, tiles: counted.append(len(tiles)) or original(self, tiles),
    )
    found = features(Scene.from_array(scene), networks)
    starts = Axis.of(600, 64).starts
    assert sum(counted) == np.count_nonzero(starts < 300)
    assert np.isfinite(found[:300]).all()
    assert np.isnan(found[300:]).all()


def test_what_stands_in_invalid_pixels_does_not_matter(networks):
    scene = cube(60, 50)
    found = []
    for rubbish in (np.nan, -9999.0, 1e30):
        spoilt = scene.copy()
        spoilt[10:20, 15:30] = rubbish
        found.append(features(Scene.from_array(spoilt, nodata=rubbish), networks))
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])


def test_many_summaries_lie_in_a_file(networks, monkeypatch):
    scene = Scene.from_array(cube(300, 70))
    with Executor(scene) as run:
        _, expected = spatial_of(run, networks)
        monkeypatch.setattr(module, "IN_MEMORY", 1000)
        _, spatial = spatial_of(run, networks)
    assert isinstance(spatial.found.grids, np.memmap)
    np.testing.assert_array_equal(everywhere(spatial), everywhere(expected))


def test_where_the_disk_is_full_the_remedy_is_named(networks, monkeypatch):
    monkeypatch.setattr(module, "IN_MEMORY", 1000)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: SimpleNamespace(free=5))
    with Executor(Scene.from_array(cube(20, 20))) as run, pytest.raises(OutputError, match="set TMPDIR"):
        spatial_of(run, networks)


def test_where_a_device_runs_out_of_memory_the_cpu_takes_over(networks, monkeypatch):
    scene = Scene.from_array(cube(300, 40))
    with Executor(scene) as run:
        _, expected = spatial_of(run, networks)
    original = module._PlacedNetwork._compute

    def starved(self, tiles):
        if self.device != "cpu":
            raise RuntimeError("CUDA out of memory")
        return original(self, tiles)

    monkeypatch.setattr(module._PlacedNetwork, "_compute", starved)
    with Executor(scene) as run:
        monkeypatch.setattr(type(run), "device", "meta")  # one that torch knows and that holds nothing
        _, found = spatial_of(run, networks)
        assert run.warnings == ["meta ran out of memory: spatial features are computed on the CPU"]
    np.testing.assert_array_equal(found.found.grids, expected.found.grids)


def test_fewer_tiles_at_a_time_before_the_cpu(networks, monkeypatch):
    scene = Scene.from_array(cube(40, 700))
    with Executor(scene) as run:
        _, expected = spatial_of(run, networks)
    placed, tried = module._PlacedNetwork, []
    original = placed._compute

    def starved(self, tiles):
        tried.append(len(tiles))
        if len(tiles) > 2:
            raise RuntimeError("CUDA out of memory")
        self.device = "cpu"  # where this machine can compute
        try:
            return original(self, tiles)
        finally:
            self.device = "meta"

    monkeypatch.setattr(placed, "_compute", starved)
    with Executor(scene) as run:
        monkeypatch.setattr(type(run), "device", "meta")
        monkeypatch.setattr(placed, "_go_to", lambda self, device: setattr(self, "device", device))
        monkeypatch.setattr(placed, "_network", networks[1], raising=False)
        _, found = spatial_of(run, networks)
        assert run.warnings == ["meta ran out of memory: spatial features of fewer tiles at a time"]
    refused = [count for count in tried if count > 2]
    assert refused == sorted(set(refused), reverse=True)  # what was too many is not tried again
    grids = expected.found.grids
    np.testing.assert_allclose(found.found.grids, grids, rtol=1e-4, atol=1e-5 * np.abs(grids).max())
