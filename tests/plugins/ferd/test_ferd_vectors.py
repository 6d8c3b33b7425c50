"""FEN gives the features of the released system."""

from pathlib import Path

import numpy as np
import pytest
import torch
from released import save_released
from vectors import cube, state

from had_ferd.fen import PAD, random_fen
from had_ferd.importer import import_weights
from had_ferd.weights import from_weights


@pytest.mark.parametrize(("bands", "rows", "cols"), [(50, 64, 64), (200, 40, 56)])
def test_features_are_those_of_the_released_system(shared: Path, tmp_path: Path, bands, rows, cols):
    folder = save_released(tmp_path, state(shared, f"ferd_fen_{bands}"))
    fen, grid = from_weights(import_weights(folder))
    assert grid.bands == bands
    x = torch.from_numpy(cube(shared, f"ferd{bands}", rows, cols, bands)).permute(2, 0, 1)
    with torch.inference_mode():
        features = fen(x[None])[0].numpy()
    expected = np.load(shared / "vectors" / f"ferd_fen_{bands}.npz")["features"]
    np.testing.assert_allclose(features, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_pixel_sees_three_pixels_around_it_and_no_further():
    fen = random_fen(6).double()
    x = torch.rand(1, 6, 20, 20, dtype=torch.float64)
    moved = x.clone()
    moved[..., 10, 10] += 1
    with torch.inference_mode():
        changed = (fen(x) != fen(moved)).any(dim=1)[0]
    rows, cols = torch.nonzero(changed, as_tuple=True)
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (7, 13, 7, 13)
    assert PAD > 3


def test_the_seed_draws_the_network():
    first, again, other = (random_fen(5, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["convh.weight"], other["convh.weight"])
