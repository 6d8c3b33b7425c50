"""The training graph in small: all parts and names of the published one, a hundredth of its size."""

from __future__ import annotations

import sys

from torch import nn

from had_ferd import distillation, network, trainer


class Decoder(distillation.Decoder):
    """One block in each stage; the last gives 256 channels, as FEN's head takes them."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.layer1 = network.upsampling_stage(16, 8, 1024, blocks=1)
        self.layer2 = network.upsampling_stage(1024, 8, 512, blocks=1)
        self.layer3 = network.upsampling_stage(512, 8, 256, blocks=1)


class Fusion(distillation.Fusion):
    """Narrow."""

    def __init__(self) -> None:
        nn.Module.__init__(self)
        self.conv1, self.bn1 = distillation._halving(256, 8), nn.BatchNorm2d(8)
        self.conv2, self.bn2 = distillation._halving(8, 8), nn.BatchNorm2d(8)
        self.conv3, self.bn3 = distillation._halving(512, 8), nn.BatchNorm2d(8)
        self.bn_layer = network.residual_stage(16 + 1024, 8, 16, blocks=1, stride=2)


def shrink(put=setattr) -> None:
    """Put the small parts in place of the published ones, by ``put(owner, name, value)``."""
    put(network.Encoder, "DEPTHS", (1, 1, 1))
    put(distillation, "Decoder", Decoder)
    put(distillation, "Fusion", Fusion)


if __name__ == "__main__":  # had train in small, for tests that kill it
    from had_cli.__main__ import main

    shrink()
    assert trainer.ReverseDistillation is distillation.ReverseDistillation
    sys.exit(main())
