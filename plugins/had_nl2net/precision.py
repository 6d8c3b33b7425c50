"""Which arithmetic a device is good at."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import torch

_FLAGS = {"amx_bf16", "avx512_bf16", "arm_bf16", "bf16"}


@cache
def resolve_precision(name: str, device: str) -> torch.dtype:
    """Return the type that convolutions and products compute in.

    Parameters
    ----------
    name
        ``float32``, ``bfloat16``, or ``auto``: bfloat16 where ``device`` has instructions for it.
    """
    if name == "auto":
        name = "bfloat16" if computes_bfloat16(device) else "float32"
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]


def computes_bfloat16(device: str) -> bool:
    """Return whether ``device`` multiplies bfloat16 in hardware: Ampere or later, AMX, AVX512-BF16, Arm."""
    if device.startswith("cuda"):
        return bool(torch.cuda.get_device_capability(device) >= (8, 0))
    return device == "cpu" and bool(_FLAGS & _cpu_flags())


def _cpu_flags() -> set[str]:
    """Return the features of the CPU that torch tells of; none where it is too old to tell."""
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return {name for name, there in capabilities.items() if there is True}
