"""A random encoder is kept as its seed, and drawn again to the same network."""

from pathlib import Path

import numpy as np
import pytest
import torch

from had_cli.errors import WeightsError
from had_cli.scenes.bands import BandGrid
from had_cli.weights.file import Weights, load_weights
from had_ferd.fen import random_fen
from had_ferd.weights import from_weights, to_weights

BANDS = 6
RANDOM = {"kind": "random", "seed": 3}


def saved(tmp_path: Path, seed: int = 3, **header) -> Path:
    path = tmp_path / "w.safetensors"
    to_weights(random_fen(BANDS, seed), BandGrid(BANDS), **header).save(path)
    return path


def test_a_random_encoder_is_not_stored_and_comes_back(tmp_path: Path):
    path = saved(tmp_path, backbone=RANDOM)
    assert path.stat().st_size < 200_000
    weights = load_weights(path)
    assert not any(name.startswith("encoder.") for name in weights.tensors)
    fen, _ = from_weights(weights)
    expected = random_fen(BANDS, 3).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in fen.state_dict().items())


@pytest.mark.parametrize(
    "header", [{}, {"backbone": {"kind": "imagenet"}}, {"backbone": {"kind": "random", "seed": 4}}]
)
def test_any_other_encoder_is_stored_whole(tmp_path: Path, header):
    weights = load_weights(saved(tmp_path, **header))
    assert weights.tensors["encoder.layer1.0.conv1.weight"].shape == (128, 64, 1, 1)
    fen, _ = from_weights(weights)
    expected = random_fen(BANDS, 3).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in fen.state_dict().items())


def test_where_torch_draws_other_numbers_the_weights_are_refused(tmp_path: Path):
    weights = load_weights(saved(tmp_path, backbone=RANDOM))
    for changes, complaint in (
        ({"seed": 4}, "cannot be drawn again"),
        ({"probe": weights.header["backbone"]["probe"][:-1]}, "cannot be drawn again"),
        ({"seed": "3"}, "names no seed and probe"),
    ):
        other = {**weights.header["backbone"], **changes}
        with pytest.raises(WeightsError, match=complaint):
            from_weights(
                Weights(method="ferd", tensors=weights.tensors, header={**weights.header, "backbone": other})
            )


def test_rounding_of_another_processor_is_no_other_network(tmp_path: Path):
    weights = load_weights(saved(tmp_path, backbone=RANDOM))
    probe = [float(np.nextafter(np.float32(n), np.float32(9))) for n in weights.header["backbone"]["probe"]]
    backbone = {**weights.header["backbone"], "probe": probe}
    from_weights(
        Weights(method="ferd", tensors=weights.tensors, header={**weights.header, "backbone": backbone})
    )
