"""Both networks live in one small file; frozen random parts are kept as their seeds."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from networks import untrained

from had_cli.errors import WeightsError
from had_cli.scenes.bands import BandGrid
from had_cli.weights.file import Weights, load_weights
from had_ferd.fen import random_fen
from had_ferd.weights import to_weights as ferd_weights
from had_fers.backbone import load_backbone
from had_fers.resnet import backbone
from had_fers.spatial import random_spatial
from had_fers.weights import from_weights, teacher_of, to_weights

BANDS = 9


def same(first, second) -> bool:
    return all(torch.equal(t, second.state_dict()[n]) for n, t in first.state_dict().items())


def changed(weights: Weights, **header) -> Weights:
    return Weights(method="fers", tensors=weights.tensors, header={**weights.header, **header})


def test_random_backbones_are_not_stored_and_come_back(tmp_path: Path):
    untrained(200, seed=4).save(tmp_path / "w")
    assert (tmp_path / "w").stat().st_size < 1.5e6
    weights = load_weights(tmp_path / "w", method="fers")
    assert not any(
        "encoder" in name or "conv1" in name.split("get_features")[-1]
        for name in weights.tensors
        if "pc" not in name
    )
    fen, network, grid = from_weights(weights)
    assert grid == BandGrid(200)
    assert same(random_fen(200, 4), fen)
    assert same(random_spatial(200, 4), network)


def test_statistics_of_the_frozen_batch_norm_are_stored():
    network = random_spatial(BANDS)
    network.get_features[1].running_mean += 3
    random = {"kind": "random", "seed": 0}
    teacher = ferd_weights(random_fen(BANDS), BandGrid(BANDS), backbone=random)
    _, found, _ = from_weights(to_weights(teacher, network, backbone=random))
    assert same(network, found)


def test_a_backbone_from_a_file_is_stored_whole():
    teacher = ferd_weights(random_fen(BANDS), BandGrid(BANDS))
    network = random_spatial(BANDS, seed=5)
    _, found, _ = from_weights(to_weights(teacher, network, backbone={"kind": "file", "file": "r.pth"}))
    assert same(network, found)


def test_ferds_part_can_be_used_by_itself():
    teacher = ferd_weights(random_fen(BANDS), BandGrid(BANDS, np.linspace(400, 900, BANDS)), epochs_trained=3)
    part = teacher_of(to_weights(teacher, random_spatial(BANDS)))
    assert part.header == teacher.header
    assert {n: t.tobytes() for n, t in part.tensors.items()} == {
        n: t.tobytes() for n, t in teacher.tensors.items()
    }


def test_damaged_weights_are_refused():
    weights = untrained(BANDS)
    with pytest.raises(WeightsError, match="do not hold the two networks of fers"):
        from_weights(changed(weights, teacher=None))
    extra = Weights(method="fers", tensors={**weights.tensors, "x": np.zeros(1)}, header=weights.header)
    with pytest.raises(WeightsError, match="do not hold the two networks of fers"):
        from_weights(extra)
    with pytest.raises(WeightsError, match="cannot be drawn again"):
        from_weights(changed(weights, backbone={**weights.header["backbone"], "seed": 1}))
    teacher = weights.header["teacher"]
    with pytest.raises(WeightsError, match="cannot be drawn again"):
        from_weights(changed(weights, teacher={**teacher, "backbone": {**teacher["backbone"], "seed": 1}}))


# -- where the ResNet comes from ------------------------------------------------------------------
def public_state(**changes) -> dict[str, torch.Tensor]:
    """Return a state dict under the public names, the unused parts in small."""
    ours = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3"}
    torch.manual_seed(3)
    named = {f"{ours[n.split('.')[0]]}.{n.split('.', 1)[1]}": t for n, t in backbone().state_dict().items()}
    return {**named, "layer4.0.conv1.weight": torch.zeros(1), "fc.weight": torch.zeros(1), **changes}


def test_a_file_under_the_public_names_gives_the_backbone(tmp_path: Path):
    path = tmp_path / "resnet.pth"
    state = public_state()
    torch.save(state, path)
    found, facts = load_backbone(str(path), 0)
    assert torch.equal(found[6][5].conv2.weight, state["layer3.5.conv2.weight"])
    assert torch.equal(found[5][0].downsample[1].running_var, state["layer2.0.downsample.1.running_var"])
    assert facts == {
        "kind": "file",
        "file": "resnet.pth",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_a_file_of_another_network_is_refused(tmp_path: Path):
    path = tmp_path / "other.pth"
    for changes, complaint in (
        ({"layer1.0.conv1.weight": torch.zeros(3)}, "'layer1.0.conv1.weight' has shape"),
        (
            {"layer9.weight": torch.zeros(3)},
            "unknown tensor 'layer9.weight'; it is no network of fers's backbone",
        ),
    ):
        torch.save(public_state(**changes), path)
        with pytest.raises(WeightsError, match=complaint):
            load_backbone(str(path), 0)


def test_the_seed_draws_the_backbone():
    first, again, other = (load_backbone("random", seed)[0] for seed in (1, 1, 2))
    assert same(first, again)
    assert not torch.equal(first[0].weight, other[0].weight)
