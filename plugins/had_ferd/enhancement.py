"""The cube as FERD shows it to a detector: the scaled cube plus its background feature."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from had_cli.plugin import Block, Extrema, Resampling, full_float32, to_host
from had_ferd.fen import PAD, SCALE, Fen, crop
from had_ferd.network import Bottleneck

# Side of the pieces that go through the network at once: their features stay below 100 MB, and the
# border that is computed twice is an eighth.
PIECE = 128
# bytes per pixel of a block: its copies while pieces are cut, scaled and put together
COST_PER_BAND = 16


@dataclass(frozen=True)
class CubeStatistics:
    """What a scene is scaled and filled by, on the network's bands.

    Attributes
    ----------
    extrema : least and greatest value over all bands of all valid pixels
    mean : (bands,) mean spectrum of the valid pixels
    """

    extrema: Extrema
    mean: npt.NDArray[np.float64]


@dataclass(frozen=True)
class _Sums:
    low: float
    high: float
    count: int
    total: npt.NDArray[np.float64]


@dataclass(frozen=True)
class ResampledSums:
    """Reduction to the extrema and the mean of the resampled spectra."""

    spectra: Resampling

    def compute(self, pixels: Any, xp: Any) -> _Sums:
        """Return the sums of n x bands pixels."""
        x = self.spectra(pixels, xp)
        total = xp.sum(x, axis=0, dtype=xp.float64)
        ends = xp.astype(xp.stack([xp.min(x), xp.max(x)]), xp.float64)
        low, high, *sums = to_host(xp.concat([ends, total]))  # one copy from a device
        return _Sums(float(low), float(high), len(x), np.asarray(sums))

    def merge(self, first: _Sums, second: _Sums) -> _Sums:
        """Return the sums of both."""
        return _Sums(
            min(first.low, second.low),
            max(first.high, second.high),
            first.count + second.count,
            first.total + second.total,
        )


def statistics(sums: _Sums) -> CubeStatistics:
    """Return what scales and fills a scene."""
    return CubeStatistics(Extrema(sums.low, sums.high), sums.total / sums.count)


def scaled(x: Tensor, extrema: Extrema) -> Tensor:
    """Return values in [-0.1, 0.1]: the extrema become the ends; a constant scene becomes -0.1."""
    span = (extrema.high - extrema.low) or 1.0
    return SCALE * (2 * ((x - extrema.low) / span) - 1)


@dataclass(frozen=True)
class Enhance:
    """Block map to the enhanced cube x + f: core height x core width x network bands.

    Needs a halo of 4. Where the scene ends, it is continued by reflection, as the definition has it;
    inside, the pixels around a block are the scene's own, so the result does not depend on how the
    scene is cut. Invalid pixels show the scene's mean spectrum to their neighbours.

    Parameters
    ----------
    fen
        The network, in inference mode.
    spectra
        From the scene's bands to the network's.
    statistics
        Of the scene, on the network's bands.
    precision
        Of the encoder: ``float32``, ``float16`` or ``bfloat16``.
    """

    fen: Fen
    spectra: Resampling
    statistics: CubeStatistics
    precision: str = "float32"
    _ready: dict[str, Fen] = field(default_factory=dict, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what is made from the rest on use."""
        return {**self.__dict__, "_ready": {}}

    @property
    def cost(self) -> int:
        """What it needs for itself, in bytes per pixel."""
        return COST_PER_BAND * self.fen.bands

    def __call__(self, block: Block) -> Any:
        """Return the enhanced cube, an array of the block's namespace."""
        with torch.inference_mode(), full_float32():
            x = torch.as_tensor(block.cube)
            valid = torch.as_tensor(block.valid, device=x.device)
            fen = self._network(str(x.device))
            core = block.core
            rows = _continued(core.row, core.height, block.window.height)
            cols = _continued(core.col, core.width, block.window.width)
            result = torch.empty((core.height, core.width, fen.bands), device=x.device)
            for down, across in _pieces(core.height, core.width):
                i = torch.as_tensor(rows[down.start : down.stop + 2 * PAD], device=x.device)
                j = torch.as_tensor(cols[across.start : across.stop + 2 * PAD], device=x.device)
                piece = self.scaled(x[i][:, j], valid[i][:, j])
                with autocast(x.device.type, self.precision):
                    encoded = fen.encode(piece)
                # in single precision: GRX looks where x + f hardly varies, and would see the rounding
                result[down, across] = (crop(piece) + fen.pc(encoded.float()))[0].permute(1, 2, 0)
        return result.numpy() if isinstance(block.cube, np.ndarray) else result

    def scaled(self, cube: Tensor, valid: Tensor) -> Tensor:
        """Return the scaled cube that the network is shown, 1 x network bands x rows x cols.

        Of rows x cols x scene bands and their validity; the memory stays pixel by pixel.
        """
        spectra = cube if self.spectra.matrix is None else cube @ _like(cube, self.spectra.matrix)
        mean = _like(cube, self.statistics.mean.astype(np.float32))
        x = scaled(torch.where(valid[..., None], spectra, mean), self.statistics.extrema)
        return x.permute(2, 0, 1)[None]

    def _network(self, device: str) -> Fen:
        if device not in self._ready:
            fen = fused(self.fen).to(device)
            self._ready[device] = fen.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return self._ready[device]


def fused(fen: Fen) -> Fen:
    """Return the network with batch norm taken into the convolutions: the same values, less work."""
    fen = copy.deepcopy(fen)
    for block in fen.modules():
        if isinstance(block, Bottleneck):
            for number in "123":
                convolution, norm = getattr(block, f"conv{number}"), getattr(block, f"bn{number}")
                setattr(block, f"conv{number}", fuse_conv_bn_eval(convolution, norm))
                setattr(block, f"bn{number}", nn.Identity())
            if (shortcut := getattr(block, "downsample", None)) is not None:
                block.downsample = nn.Sequential(fuse_conv_bn_eval(shortcut[0], shortcut[1]))
    return fen


def autocast(device: str, precision: str) -> AbstractContextManager[Any]:
    """Return the context in which torch computes in ``precision``: float32, float16 or bfloat16."""
    return nullcontext() if precision == "float32" else torch.autocast(device, getattr(torch, precision))


def _continued(start: int, length: int, size: int) -> npt.NDArray[np.intp]:
    """Return the indices of a core and ``PAD`` more on each side, reflected where the block ends."""
    before, after = max(0, PAD - start), max(0, PAD - (size - start - length))
    indices = np.pad(np.arange(size), (before, after), mode="reflect")
    first = start + before - PAD
    return indices[first : first + length + 2 * PAD]


def _pieces(height: int, width: int) -> Iterator[tuple[slice, slice]]:
    for row in range(0, height, PIECE):
        for col in range(0, width, PIECE):
            yield slice(row, min(row + PIECE, height)), slice(col, min(col + PIECE, width))


def _like(x: Tensor, values: npt.NDArray[np.float32]) -> Tensor:
    return torch.as_tensor(values, device=x.device)
