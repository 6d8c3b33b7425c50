"""Both networks, both fusions and the loss give the numbers of the released system."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from released import save_released
from vectors import cube, state

from had_cli import detect
from had_fers.importer import import_weights
from had_fers.losses import losses
from had_fers.pooling import LEVELS
from had_fers.restoration import Restoration
from had_fers.spatial import SpatialNetwork, random_spatial
from had_fers.weights import from_weights


def expected(shared: Path, vector: str):
    return np.load(shared / "vectors" / f"{vector}.npz")


def released(shared: Path, folder: Path, bands: int) -> Path:
    """Write the four files behind the vectors of so many bands."""
    return save_released(
        folder, {**state(shared, f"ferd_fen_{bands}"), **state(shared, f"fers_spatial_{bands}")}
    )


@pytest.mark.parametrize(("bands", "rows", "cols"), [(50, 64, 64), (200, 40, 56)])
def test_imported_files_give_the_spatial_features_and_the_false_colour(
    shared: Path, tmp_path: Path, bands, rows, cols
):
    _, network, grid = from_weights(import_weights(released(shared, tmp_path, bands)))
    assert grid.bands == bands
    x = torch.from_numpy(cube(shared, f"fers{bands}", rows, cols, bands)).permute(2, 0, 1)[None]
    with torch.inference_mode():
        found = {"features": network(x)[0], "false_rgb": network.initial_conv(x)[0]}
    for name, values in expected(shared, f"fers_spatial_{bands}").items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5 * np.abs(values).max())


@pytest.mark.parametrize("fusion", ["sum", "product", "auto"])
def test_imported_files_give_both_fusions(shared: Path, tmp_path: Path, fusion):
    weights = tmp_path / "w.safetensors"
    import_weights(released(shared, tmp_path / "released", 50)).save(weights)
    found = detect(cube(shared, "ferd50", 64, 64, 50), "fers", weights=weights, fusion=fusion, device="cpu")
    rule = "product" if fusion == "auto" else fusion  # 50 bands
    assert found.facts["fusion"] == rule
    values = expected(shared, "fers_fusion_50")[rule]
    np.testing.assert_allclose(found.scores, values, rtol=1e-3, atol=1e-4 * values.max())
    assert np.linalg.norm(found.scores - values) < 1e-3 * np.linalg.norm(values)


def test_one_training_step_is_that_of_the_released_system(shared: Path):
    network, restoration = SpatialNetwork(50), Restoration(50)
    network.load_state_dict(state(shared, "fers_spatial_50")["spa_fen.pt"])
    restoration.load_state_dict(state(shared, "fers_restoration_50")["frn"])
    network.train()
    restoration.train()
    x = torch.stack(
        [torch.from_numpy(cube(shared, f"ferst{i}", 64, 64, 50)).permute(2, 0, 1) for i in (0, 1)]
    )
    spectral = torch.from_numpy(np.random.default_rng(5).random((2, 50, 64, 64)).astype(np.float32))
    spatial = network(x)
    found = losses(x, spectral, spatial, restoration(spectral + spatial))
    found.total.backward()
    terms = {
        "cross_covariance": found.cross_covariance,
        "cosine": found.cosine,
        "variance": found.variance,
        "mse": found.restoration,
        "ssim": found.structure,
        "loss": found.total,
    }
    vector = expected(shared, "fers_train_50")
    for name, value in terms.items():
        assert value.item() == pytest.approx(vector[name].item(), rel=1e-4), name
    gradients = {"grad_rgb": network.initial_conv.conv, "grad_final": restoration.final_conv}
    for name, module in gradients.items():
        assert module.weight.grad.norm().item() == pytest.approx(vector[name].item(), rel=5e-3), name
    assert all(p.grad is None for p in network.get_features.parameters())


def literal(network: SpatialNetwork, x: torch.Tensor) -> torch.Tensor:
    """Return the spatial feature step by step as the definition has it."""
    features = network.get_features(network.initial_conv(x))
    pyramid = [
        F.interpolate(F.adaptive_avg_pool2d(features, side), size=x.shape[2:], mode="bilinear")
        for side in LEVELS
    ]
    return network.spp.se(network.spp.fuse(torch.cat(pyramid, dim=1)))


@pytest.mark.parametrize(("rows", "cols"), [(64, 64), (100, 150), (33, 17), (5, 70), (1, 1)])
def test_pooling_by_matrices_is_the_pooling_of_the_definition(rows, cols):
    network = random_spatial(7)
    x = torch.rand(2, 7, rows, cols) * 0.2 - 0.1
    with torch.inference_mode():
        torch.testing.assert_close(network(x), literal(network, x), rtol=1e-4, atol=1e-5)
        summary = network.summary(x)
    assert summary.grids.shape == (2, *network.cells)
    assert summary.gains.shape == (2, 7)
