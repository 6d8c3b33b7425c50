"""Training that gives the same bytes each time, on one machine with the same number of threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils import deterministic


@contextlib.contextmanager
def reproducible() -> Iterator[None]:
    """Compute by deterministic kernels, and by none that was chosen by a stopwatch."""
    # read when cuBLAS starts; without it, its results may depend on how streams are scheduled
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    memory: Any = deterministic  # its setting is a property that type checkers do not see
    benchmark, filled = torch.backends.cudnn.benchmark, memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    memory.fill_uninitialized_memory = False  # no memory is read here before it is written
    try:
        yield
    finally:
        memory.fill_uninitialized_memory = filled
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.benchmark = benchmark
