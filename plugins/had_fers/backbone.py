"""Where the weights of the frozen ResNet-34 come from: ImageNet, a file, or a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from had_ferd.backbone import file_sha256, imagenet_file, read_backbone
from had_ferd.network import initialise
from had_fers.resnet import backbone

# The public PyTorch file of resnet34, trained on ImageNet; its name carries the first eight digits of
# its sha256.
IMAGENET_URL = "https://download.pytorch.org/models/resnet34-b627a593.pth"
UNUSED = ("layer4.", "fc.")  # of the full network: last stage, classes
PUBLIC = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3"}  # our parts by their names


def load_backbone(choice: str, seed: int) -> tuple[nn.Sequential, dict[str, Any]]:
    """Return the ResNet up to stage 3 and what it is, for the header of the weights.

    Parameters
    ----------
    choice
        ``imagenet``, ``random``, or the path of a PyTorch state dict of resnet34.

    Raises
    ------
    WeightsError
        When the file cannot be had, is damaged, or belongs to another network.
    """
    network = backbone()
    if choice == "random":
        initialise(network, torch.Generator().manual_seed(seed))
        return network, {"kind": "random", "seed": seed}
    path = imagenet_file(IMAGENET_URL) if choice == "imagenet" else Path(choice)
    expected = {_public(name): tensor for name, tensor in network.state_dict().items()}
    held = read_backbone(path, "fers's backbone, a resnet34", UNUSED, expected)
    network.load_state_dict({name: held[_public(name)] for name in network.state_dict()})
    kind = "imagenet" if choice == "imagenet" else "file"
    return network, {"kind": kind, "file": path.name, "sha256": file_sha256(path)}


def _public(name: str) -> str:
    part, rest = name.split(".", 1)
    return f"{PUBLIC[part]}.{rest}"
