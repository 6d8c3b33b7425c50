"""NL2Net transcribed word by word from its definition: slow, and right by inspection."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

STEP = 6


class Ring(nn.Conv2d):
    """A convolution of kernel 5 whose inner 3 x 3 weights are zero at all times."""

    def __init__(self, channels):
        super().__init__(channels, channels, 5, padding=2)
        mask = torch.ones_like(self.weight)
        mask[:, :, 1:4, 1:4] = 0
        self.register_buffer("mask", mask)

    def forward(self, x):
        return functional.conv2d(x, self.weight * self.mask, self.bias, padding=2)


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=3, dilation=3),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 1),
        )

    def forward(self, x):
        return x + self.body(x)


class Plain(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=3, dilation=3)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=3, dilation=3)
        self.conv3 = nn.Conv2d(channels, channels, 1)

    def g(self, x):
        return self.conv3(torch.relu(self.conv2(torch.relu(self.conv1(x)))))

    def forward(self, x):
        return x + self.g(x)


class Attending(Plain):
    def __init__(self, channels):
        super().__init__(channels)
        self.wqk = nn.Parameter(nn.init.xavier_uniform_(torch.empty(channels, channels), gain=1.414))

    def forward(self, x):
        return x + self.g(x + self.attention(x))

    def attention(self, x):
        _, channels, rows, cols = x.shape
        normal = functional.layer_norm(x, x.shape[1:], eps=1e-5)
        pad = (0, -cols % STEP, 0, -rows % STEP)
        normal, values = functional.pad(normal, pad), functional.pad(x, pad)
        result = torch.zeros_like(values)
        for i in range(STEP):
            for j in range(STEP):
                sub = normal[0, :, i::STEP, j::STEP]
                q = sub.reshape(channels, -1).T @ self.wqk
                q = q / (q.norm(dim=1, keepdim=True) + 1e-8)
                weights = torch.softmax((q @ q.T + 1) / math.sqrt(channels), dim=1)
                mixed = weights @ values[0, :, i::STEP, j::STEP].reshape(channels, -1).T
                result[0, :, i::STEP, j::STEP] = mixed.T.reshape(sub.shape)
        return result[:, :, :rows, :cols]


class Literal(nn.Module):
    """The network, with the released names of parameters; ``bands`` in and out."""

    def __init__(self, bands, factor, channels=64):
        super().__init__()
        self.factor = factor

        def branch(*blocks):
            one = [layer for _ in range(2) for layer in (nn.Conv2d(channels, channels, 1), nn.ReLU())]
            return nn.Module(), nn.Sequential(
                Ring(channels), nn.ReLU(), *one, *blocks, nn.Conv2d(channels, channels, 1), nn.ReLU()
            )

        self.head = nn.Sequential(nn.Conv2d(bands, channels, 1), nn.ReLU())
        self.branch1, self.branch1.body = branch(*(Residual(channels) for _ in range(6)))
        self.branch2, self.branch2.body = branch(
            *(Plain(channels) for _ in range(4)), *(Attending(channels) for _ in range(2))
        )
        self.tail = nn.Sequential(
            nn.Conv2d(2 * channels, channels, 1),
            nn.ReLU(),
            nn.Conv2d(channels, channels // 2, 1),
            nn.ReLU(),
            nn.Conv2d(channels // 2, bands, 1),
        )

    def forward(self, x):
        f, (_, _, rows, cols) = self.factor, x.shape
        down, across = rows // f, cols // f
        mosaic = torch.empty_like(x)
        for i in range(f):
            for j in range(f):
                mosaic[:, :, i * down : (i + 1) * down, j * across : (j + 1) * across] = x[:, :, i::f, j::f]
        y = self.head(mosaic)
        y = self.tail(torch.cat([self.branch1.body(y), self.branch2.body(y)], dim=1))
        result = torch.empty_like(x)
        for i in range(f):
            for j in range(f):
                result[:, :, i::f, j::f] = y[:, :, i * down : (i + 1) * down, j * across : (j + 1) * across]
        return result
