"""Batches on a device: moved there, and split where they do not fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor


def moved(batch: Any, device: str) -> Any:
    """Return a batch with its tensors on ``device``; what is no tensor stays as it is."""
    if isinstance(batch, Tensor):
        return batch.to(device)
    if isinstance(batch, tuple | list):
        return _like(batch, [moved(part, device) for part in batch])
    return batch


def samples(batch: Any) -> int:
    """Return how many samples a batch has: the length of the first axis of its first tensor."""
    if isinstance(batch, Tensor):
        return len(batch)
    return next(len(part) for part in batch if isinstance(part, Tensor))


def split(batch: Any, parts: int) -> Iterator[tuple[Any, float]]:
    """Yield a batch in about so many parts, each with its share of the samples."""
    count = samples(batch)
    size = -(-count // parts)
    for start in range(0, count, size):
        yield _cut(batch, start, size, count), min(size, count - start) / count


def cpu_copy(value: Any) -> Any:
    """Return nested dicts, lists and tuples with every tensor copied to the CPU, its layout kept."""
    if isinstance(value, Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {key: cpu_copy(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return _like(value, [cpu_copy(part) for part in value])
    return value


def release_cached(device: str) -> None:
    """Give memory that torch keeps for later back to the device."""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
    elif device == "mps":
        torch.mps.empty_cache()


def _cut(batch: Any, start: int, size: int, count: int) -> Any:
    if isinstance(batch, Tensor):
        return batch[start : start + size] if size < count else batch
    parts = [
        part[start : start + size] if isinstance(part, Tensor) and part.ndim and len(part) == count else part
        for part in batch
    ]
    return _like(batch, parts) if size < count else batch


def _like(batch: Any, parts: list[Any]) -> Any:
    """Return parts as the same kind of sequence; a named tuple takes them one by one."""
    return type(batch)(*parts) if hasattr(batch, "_fields") else type(batch)(parts)
