"""The two attentions of TDD's decoder: over the whole image, and over 7 x 7 taps around each pixel."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from had_tdd.convolution import FrugalConv2d

SIDE, DILATION = 7, 2  # taps of the local attention
TAPS = SIDE * SIDE
PAD = DILATION * (SIDE // 2)
CACHED = 2**17  # values mixed at a time: each tap passes over them, and they stay in the cache
RELEASED, EXACT = "released", "exact"
FORMS = (RELEASED, EXACT)


class GlobalAttention(nn.Module):
    """Attention of every pixel to every other, with one head.

    Queries and keys come from a 1 x 1 convolution of the features, values are the features themselves.

    Attributes
    ----------
    side : of windows, where pixels attend to those of a window around them only; None for all
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.side: int | None = None
        self.conv1 = nn.Conv2d(channels, 2 * channels, 1)
        self.multihead_attn = nn.MultiheadAttention(channels, 1, batch_first=True)

    def forward(self, features: Tensor) -> Tensor:
        """Return n x channels x rows x cols, as ``features`` is."""
        if self.side is not None and max(features.shape[2:]) > self.side:
            return self._in_windows(features, self.side)
        query, key = self.conv1(features).chunk(2, dim=1)
        tokens = (_tokens(query), _tokens(key), _tokens(features))
        # without the weights torch takes a fused kernel, which never holds the matrix of scores
        mixed, _ = self.multihead_attn(*tokens, need_weights=False)
        mixed_back: Tensor = mixed.transpose(1, 2).reshape(features.shape)
        return mixed_back

    def _in_windows(self, features: Tensor, side: int) -> Tensor:
        """Return what pixels make of the window around their square of half its side."""
        inner = self.multihead_attn
        query, key = self.conv1(features).chunk(2, dim=1)
        weights, biases = inner.in_proj_weight[..., None, None].chunk(3), inner.in_proj_bias.chunk(3)
        images = (query, key, features)
        query, key, value = map(functional.conv2d, images, weights, biases)
        step = max(1, side // 2)
        squares, around = zip(*(_windows(size, step, side) for size in features.shape[2:]), strict=True)
        mixed = functional.scaled_dot_product_attention(
            _cut(query, squares), _cut(key, around), _cut(value, around)
        )
        images_, channels, rows, cols = features.shape
        down, across = (len(places) for places in squares)
        back = mixed.reshape(images_, down, across, step, step, channels).permute(0, 5, 1, 3, 2, 4)
        back = back.reshape(images_, channels, down * step, across * step)[..., :rows, :cols]
        return functional.conv2d(back, inner.out_proj.weight[..., None, None], inner.out_proj.bias)


def _windows(size: int, step: int, side: int) -> tuple[Tensor, Tensor]:
    """Return the places along an axis of squares of ``step``, and of the windows around them.

    The last square may reach beyond the end, where it repeats the last place; windows stay within.
    """
    starts = torch.arange(0, size, step)[:, None]
    first = (starts - (side - step) // 2).clamp(0, max(0, size - side))
    return (starts + torch.arange(step)).clamp(max=size - 1), first + torch.arange(min(side, size))


def _cut(image: Tensor, places: tuple[Tensor, Tensor]) -> Tensor:
    """Return (n x windows) x 1 x pixels x channels of n x channels x rows x cols."""
    rows, cols = (index.to(image.device) for index in places)
    parts = image.permute(0, 2, 3, 1)[:, rows][:, :, :, cols]  # n x down x its rows x across x its cols
    return parts.permute(0, 1, 3, 2, 4, 5).reshape(-1, 1, rows.shape[1] * cols.shape[1], image.shape[1])


class LocalAttention(nn.Module):
    """Attention of a pixel to 7 x 7 taps around it, two pixels apart.

    Parameters
    ----------
    channels
        Of the features.
    hidden
        Between the two convolutions that give the 49 weights; published: 128.
    form
        ``exact``: the sum of the taps by their weights. ``released``: what the released system
        computes by a reshape in the place of a permutation, and released checkpoints were trained with
        (:func:`attended`).
    """

    def __init__(self, channels: int, hidden: int = 128, form: str = RELEASED) -> None:
        super().__init__()
        self.form = form
        self.conv1 = FrugalConv2d(channels, hidden, SIDE, padding=PAD, dilation=DILATION)
        self.conv2 = nn.Conv2d(hidden, TAPS, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return n x channels x rows x cols, as ``features`` is."""
        weights = self.conv2(self.conv1(features)).softmax(dim=1)
        return attended(weights, features, self.form)


def attended(weights: Tensor, features: Tensor, form: str) -> Tensor:
    """Return the features mixed by the weights of 49 taps, without a tensor of all taps.

    With P[c, j, p] = weights[j, p] features[c, p + offset_j], taps j and pixels p in rows: ``exact``
    gives the sum of P over j; ``released`` gives at m the sum of P[c].flat[49 m ... 49 m + 48].

    Parameters
    ----------
    weights : n x 49 x rows x cols
    features : n x channels x rows x cols
    """
    mixed: Tensor = _Attended.apply(weights, features, form == RELEASED)  # type: ignore[no-untyped-call]
    return mixed


class _Attended(torch.autograd.Function):
    """Tap by tap, forth and back: autograd would keep 49 images of zeros for the shifts alone."""

    @staticmethod
    def forward(ctx: Any, weights: Tensor, features: Tensor, released: bool) -> Tensor:
        ctx.released = released
        ctx.save_for_backward(weights, features)
        mix = _mixed_released if released else _mixed
        result = torch.empty_like(features)
        for channels in _groups(features):
            mix(weights, features[:, channels], result[:, channels])
        return result

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weights, features = ctx.saved_tensors
        gradient = gradients[0]
        size = _Size(*features.shape)
        padded = functional.pad(features, (PAD,) * 4)
        of_weights, of_padded = torch.empty_like(weights), torch.zeros_like(padded)
        for tap, rows, cols in _taps(size):
            here = _spread(gradient, size, tap) if ctx.released else gradient
            of_weights[:, tap] = (here * padded[:, :, rows, cols]).sum(dim=1)
            of_padded[:, :, rows, cols].addcmul_(here, weights[:, tap, None])
        return of_weights, of_padded[:, :, PAD:-PAD, PAD:-PAD], None


def _groups(features: Tensor) -> list[slice]:
    """Return the channels that are mixed at a time: few where those of an image lie one behind the other."""
    images, channels, rows, cols = features.shape
    few = max(1, CACHED // (images * rows * cols))
    if features.device.type != "cpu" or not features.is_contiguous():
        few = channels
    return [slice(start, start + few) for start in range(0, channels, few)]


def _mixed(weights: Tensor, features: Tensor, mixed: Tensor) -> None:
    """Write into ``mixed`` the sum of the taps by their weights."""
    padded = functional.pad(features, (PAD,) * 4)
    mixed.zero_()
    for tap, rows, cols in _taps(_Size(*features.shape)):
        mixed.addcmul_(weights[:, tap, None], padded[:, :, rows, cols])


def _mixed_released(weights: Tensor, features: Tensor, mixed: Tensor) -> None:
    """Write into ``mixed`` what the released system computes."""
    size = _Size(*features.shape)
    padded = functional.pad(features, (PAD,) * 4)
    flat = features.new_zeros(size.images, size.channels, size.pixels)
    # one buffer for the products of all taps, with room for the margins on both sides
    buffer = features.new_empty(size.images, size.channels, size.pixels + 2 * TAPS)
    for tap, rows, cols in _taps(size):
        part = _part(size, tap)
        before, after = part.margins
        runs = buffer[..., : before + size.pixels + after]
        products = runs[..., before : before + size.pixels]
        torch.mul(weights[:, tap, None], padded[:, :, rows, cols], out=products.view(features.shape))
        if before or after:  # of other taps
            runs[..., :before] = 0
            runs[..., before + size.pixels :] = 0
        flat[..., part.places] += runs.view(size.images, size.channels, -1, TAPS).sum(dim=-1)
    mixed.copy_(flat.view(features.shape))


class _Size(NamedTuple):
    images: int
    channels: int
    rows: int
    cols: int

    @property
    def pixels(self) -> int:
        return self.rows * self.cols


class _Part(NamedTuple):
    """Where the run of one tap falls among the sums of 49: the places, and what they lack of it."""

    places: slice
    margins: tuple[int, int]


def _taps(size: _Size) -> Iterator[tuple[int, slice, slice]]:
    """Yield each tap with the rows and columns of the padded image that it sees."""
    for tap in range(TAPS):
        down, across = (DILATION * step for step in divmod(tap, SIDE))
        yield tap, slice(down, down + size.rows), slice(across, across + size.cols)


def _part(size: _Size, tap: int) -> _Part:
    start, stop = tap * size.pixels, (tap + 1) * size.pixels
    first, last = start // TAPS, -(-stop // TAPS)
    return _Part(slice(first, last), (start - TAPS * first, TAPS * last - stop))


def _spread(gradient: Tensor, size: _Size, tap: int) -> Tensor:
    """Return for each pixel of a tap the gradient of the sum that it went into."""
    part = _part(size, tap)
    flat = gradient.reshape(size.images, size.channels, -1)[..., part.places]
    before, after = part.margins
    whole = flat.repeat_interleave(TAPS, dim=-1)
    return whole[..., before : whole.shape[-1] - after].reshape(gradient.shape)


def _tokens(image: Tensor) -> Tensor:
    return image.flatten(2).transpose(1, 2)
