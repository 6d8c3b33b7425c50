"""TDD's network transcribed word by word from its definition: slow, and right by inspection."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

TAPS = 49
LAYERS = [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "m", 512, 512, 512, "m"]
WIDTHS = [1024, 512, 512, 256, 128, 64]
CUTS = {3: 0, 8: 1, 15: 2, 22: 3, 29: 4}  # number of a ReLU in the sequence -> feature map


class Encoder(nn.Module):
    def __init__(self, bands):
        super().__init__()
        layers, dilation = [], 1
        for layer in LAYERS:
            if layer == "M":
                layers.append(nn.MaxPool2d(2, 2))
            elif layer == "m":
                layers.append(nn.MaxPool2d(1, 1))
                dilation = 2
            else:
                layers += [nn.Conv2d(bands, layer, 3, padding=dilation, dilation=dilation), nn.ReLU()]
                bands = layer
        self.seq = nn.Sequential(*layers)
        self.conv6 = nn.Conv2d(512, 1024, 3, dilation=12, padding=12)
        self.conv7 = nn.Conv2d(1024, 1024, 3, padding=1)

    def forward(self, x):
        maps = [None] * 5
        for number, layer in enumerate(self.seq):
            x = layer(x)
            if number in CUTS:
                maps[CUTS[number]] = x
        return [*maps, self.conv7(self.conv6(x))]


class Global(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 2 * channels, 1)
        self.multihead_attn = nn.MultiheadAttention(channels, 1)

    def forward(self, x):
        n, channels, rows, cols = x.shape
        both = self.conv1(x)
        q, k = (part.reshape(n, channels, -1).permute(2, 0, 1) for part in both.split(channels, dim=1))
        values = x.reshape(n, channels, -1).permute(2, 0, 1)
        output, _ = self.multihead_attn(q, k, values)
        return output.permute(1, 2, 0).reshape(n, channels, rows, cols)


class Local(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 128, 7, dilation=2, padding=6)
        self.conv2 = nn.Conv2d(128, TAPS, 1)

    def forward(self, x):
        n, channels, rows, cols = x.shape
        weights = torch.softmax(self.conv2(self.conv1(x)), dim=1).reshape(n, 1, rows * cols, TAPS)
        unfolded = functional.unfold(x, 7, dilation=2, padding=6)
        unfolded = unfolded.reshape(n, channels, TAPS, rows * cols).reshape(n, channels, rows * cols, TAPS)
        return (weights * unfolded).sum(dim=3).reshape(n, channels, rows, cols)


class Cell(nn.Module):
    def __init__(self, channels, following, attention):
        super().__init__()
        self.bn_en = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(2 * channels, channels, 1)
        self.am = attention(channels)
        self.conv2 = nn.Conv2d(2 * channels, following, 1)
        self.bn_feature = nn.BatchNorm2d(following)
        self.conv3 = nn.Conv2d(following, 1, 1)

    def forward(self, en, dec):
        features = joined(self, en, dec)
        both = torch.cat([features, self.am(features)], dim=1)
        dec = torch.relu(self.bn_feature(self.conv2(both)))
        return dec, torch.sigmoid(self.conv3(dec))


class Last(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.bn_en = nn.BatchNorm2d(channels)
        self.conv1 = nn.Conv2d(2 * channels, channels, 1)
        self.conv2 = nn.Conv2d(channels, 1, 1)

    def forward(self, en, dec):
        return torch.sigmoid(self.conv2(joined(self, en, dec)))


def joined(cell, en, dec):
    if dec.shape[2] != en.shape[2]:
        dec = functional.interpolate(dec, scale_factor=2, mode="bilinear", align_corners=True)
    en = torch.relu(cell.bn_en(en))
    return torch.relu(cell.conv1(torch.cat([en, dec], dim=1)))


class Literal(nn.Module):
    """The network, with the released names of parameters."""

    def __init__(self, bands):
        super().__init__()
        self.encoder = Encoder(bands)
        kinds = [Local, Global, Local, Global, Local]
        cells = [Cell(WIDTHS[i], WIDTHS[i + 1], kind) for i, kind in enumerate(kinds)]
        self.decoder = nn.ModuleList([*cells, Last(WIDTHS[-1])])

    def forward(self, x):
        maps = self.encoder(x)
        dec, outputs = maps[-1], []
        for cell, en in zip(self.decoder[:5], reversed(maps[1:]), strict=True):
            dec, output = cell(en, dec)
            outputs.append(output)
        return [*outputs, self.decoder[5](maps[0], dec)]
