"""Training that gives the same bytes each time, on one machine with the same number of threads."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils import deterministic

from had_cli.engine.float32 import full_float32

_COMPILER_FOLDER = "TORCHINDUCTOR_CACHE_DIR"


@contextlib.contextmanager
def reproducible() -> Iterator[None]:
    """Compute by deterministic kernels, and by none that was chosen by a stopwatch.

    Single precision is single precision, forward and backward, in convolutions and products: TF32, which
    CUDA takes for convolutions where nobody says anything, keeps 10 bits of 23. Methods that offer a lower
    precision do so by autocast.
    """
    # read when cuBLAS starts; without it, its results may depend on how streams are scheduled
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    memory: Any = deterministic  # its setting is a property that type checkers do not see
    filled = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    memory.fill_uninitialized_memory = False  # no memory is read here before it is written
    try:
        # enabled is False where it is left out: cuDNN would not be used at all
        flags = torch.backends.cudnn.flags(
            enabled=True, benchmark=False, deterministic=True, allow_tf32=False
        )
        with full_float32(), flags:
            yield
    finally:
        memory.fill_uninitialized_memory = filled
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def load_optimisers() -> None:
    """Load what torch's optimisers load on first use, and leave nothing behind in the temporary folder.

    They load its compiler, which makes itself a folder there, although nothing is compiled. It makes none
    where the folder that it is told exists.
    """
    if _COMPILER_FOLDER in os.environ:
        return
    os.environ[_COMPILER_FOLDER] = tempfile.gettempdir()
    try:
        importlib.import_module("torch._dynamo")
    finally:
        os.environ.pop(_COMPILER_FOLDER, None)
