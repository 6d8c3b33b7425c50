"""The training graph computes every number of the released system's training step."""

from pathlib import Path

import numpy as np
import pytest
import torch
from vectors import cube, state

from had_ferd.distillation import ReverseDistillation
from had_ferd.network import Encoder


def test_one_training_step_is_that_of_the_released_system(shared: Path):
    expected = np.load(shared / "vectors" / "ferd_train_20.npz")
    network = ReverseDistillation(20, Encoder(stages=3))
    modules = {
        "encoder": network.encoder,
        "bn": network.fusion,
        "decoder": network.decoder,
        "classifier": network.pc,
        "deconvh": network.deconvh,
        "convh": network.convh,
    }
    for name, tensors in state(shared, "ferd_train_20").items():
        unused = ("conv4", "bn4")
        kept = {k.removeprefix("convh."): t for k, t in tensors.items() if not k.startswith(unused)}
        modules[name].load_state_dict(kept)
    x = torch.stack(
        [torch.from_numpy(cube(shared, f"ferdt{i}", 64, 64, 20)).permute(2, 0, 1) for i in (0, 1)]
    )
    found = network(x)
    losses = network.losses(x, found)
    losses.total.backward()
    close = {
        "bce": losses.alignment,
        "mse": losses.reconstruction,
        "cos": losses.distillation,
        "loss": losses.total,
        "embedding_mean": found.embedding.mean(),
        "embedding_std": found.embedding.std(),
        "recon_mean": found.reconstruction.mean(),
        "recon_std": found.reconstruction.std(),
    }
    for name, value in close.items():
        assert value.item() == pytest.approx(expected[name].item(), rel=1e-4), name
    gradients = {
        "grad_convh": (network.convh, 5e-2),
        "grad_deconvh": (network.deconvh, 1e-3),
        "grad_pc_conv2": (network.pc.conv2, 1e-3),
    }
    for name, (module, tolerance) in gradients.items():
        assert module.weight.grad.norm().item() == pytest.approx(expected[name].item(), rel=tolerance), name
    assert all(p.grad is None for p in network.encoder.parameters())
