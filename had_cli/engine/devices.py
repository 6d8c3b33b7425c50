"""Which devices there are, which one to use, and the array namespace that computes on it.

torch takes seconds to import and most CPU runs never need it. So a CUDA device is looked for in two
steps: first the traces that a driver leaves on a machine (:func:`driver_present`), files only; torch is
imported and asked only where there are some. The same holds for Apple's MPS, which exists on arm64 Macs.
"""

from __future__ import annotations

import os
import platform
import re
import sys
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from had_cli.errors import DeviceError, UsageError

# NVIDIA on Linux; WSL 2 (where the driver is Windows'); Jetson; AMD, for ROCm builds of torch, which
# answer as "cuda" too
_TRACES = (
    "/proc/driver/nvidia/version",
    "/dev/nvidiactl",
    "/dev/nvidia0",
    "/dev/dxg",
    "/dev/nvhost-gpu",
    "/dev/nvgpu",
    "/dev/kfd",
)
_DEVICE = re.compile(r"auto|cpu|mps|cuda(?::(?P<index>[0-9]+))?")
_OUT_OF_MEMORY = (
    "out of memory",
    "STATUS_ALLOC_FAILED",  # cuBLAS, cuSOLVER and cuDNN say it in this way
    "can't allocate memory",  # torch's CPU allocator
    "not enough memory",
)


@dataclass(frozen=True, slots=True)
class Device:
    """Something that computes.

    Attributes
    ----------
    name : what ``--device`` takes: ``cpu``, ``cuda:0``, ``mps``
    kind : ``cpu``, ``cuda`` or ``mps``
    model : the maker's name for it
    memory_total, memory_free : bytes; None where the device does not tell
    """

    name: str
    kind: str
    model: str
    memory_total: int | None = None
    memory_free: int | None = None


def list_devices() -> list[Device]:
    """Return the CPU and every device that torch can use here, in the order of their indices."""
    return [_cpu(), *_cuda_devices(), *_mps_devices()]


def choose_device(text: str = "auto") -> str:
    """Return the device that ``text`` stands for: ``cpu``, ``cuda:N`` or ``mps``.

    Parameters
    ----------
    text
        ``auto`` takes the CUDA device with most free memory, else the CPU (never ``mps``, which has no
        double precision); ``cuda`` takes the CUDA device with most free memory or fails.

    Raises
    ------
    UsageError
        When ``text`` names no device.
    DeviceError
        When the machine has no such device; the message says why.
    """
    match = _DEVICE.fullmatch(text)
    if match is None:
        raise UsageError(f"--device takes auto, cpu, cuda, cuda:N or mps, not {text!r}")
    if text == "cpu":
        return text
    if text == "mps":
        if not _mps_devices():
            raise DeviceError(
                f"--device mps: this machine has no usable MPS device; there is {_names(list_devices())}"
            )
        return text
    count = _cuda_count()
    if not count:
        if text == "auto":
            return "cpu"
        raise DeviceError(f"--device {text}: {why_no_cuda()}; use --device cpu")
    if match["index"] is None and count == 1:
        return "cuda:0"
    if match["index"] is None:
        # the first of equals, so that the choice does not change from run to run
        free = [-1 if device.memory_free is None else device.memory_free for device in _cuda_devices()]
        return f"cuda:{free.index(max(free))}"
    wanted = f"cuda:{int(match['index'])}"
    if int(match["index"]) >= count:
        raise DeviceError(f"--device {text}: there is no such device here; there is {_names(list_devices())}")
    return wanted


def device_of_workers(text: str) -> str:
    """Return the device that ``text`` stands for where workers of a cluster compute: their CPUs.

    Raises
    ------
    UsageError
        When another one is asked for.
    """
    if text not in {"auto", "cpu"}:
        raise UsageError(f"--engine dask computes on the CPUs of its workers; leave out --device {text}")
    return "cpu"


def namespace(device: str) -> Any:
    """Return the array namespace that computes on ``device``: numpy for ``cpu``, else torch's.

    torch comes through array-api-compat, so that one text serves both; arrays are moved with
    ``xp.asarray(array, device=device)``.
    """
    if device == "cpu":
        import numpy as np

        return np
    import array_api_compat.torch

    return array_api_compat.torch


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether ``error`` says that a device (or the machine) ran out of memory.

    Smaller blocks help then, and only then. torch has a class for it, but its libraries report the same
    as plain RuntimeErrors.
    """
    if isinstance(error, MemoryError):
        return True
    torch = sys.modules.get("torch")  # an error of torch's cannot exist before torch was imported
    if torch is not None and isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


def driver_present() -> bool:
    """Return whether this machine has the traces of a GPU driver; looks at files only."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "nvcuda.dll").exists()
    return any(Path(trace).exists() for trace in _TRACES)


def why_no_cuda() -> str | None:
    """Return in one line why there is no CUDA device, or None where there is one."""
    if _hidden():
        return f"CUDA_VISIBLE_DEVICES={os.environ['CUDA_VISIBLE_DEVICES']!r} hides every CUDA device"
    if not driver_present():
        return "there is no GPU driver on this machine"
    torch = _torch()
    if torch.version.cuda is None and getattr(torch.version, "hip", None) is None:
        return f"torch {torch.__version__} is a CPU build; install one with CUDA (pytorch.org/get-started)"
    count, complaint = _count(torch)
    if count:
        return None
    return f"torch finds no CUDA device ({complaint})" if complaint else "torch finds no CUDA device"


def _cpu() -> Device:
    import psutil

    memory = psutil.virtual_memory()
    return Device("cpu", "cpu", platform.processor() or platform.machine(), memory.total, memory.available)


def free_memory(device: str) -> int | None:
    """Return the bytes that are free on ``device``, or None where it does not tell."""
    kind, _, index = device.partition(":")
    if kind == "cuda" and (count := _cuda_count()) > int(index or 0):
        return _cuda_memory(_torch(), count)[int(index or 0)][0]
    found = _mps_devices() if kind == "mps" else []
    return found[0].memory_free if found else None


def _cuda_count() -> int:
    return 0 if _hidden() or not driver_present() else _count(_torch())[0]


def _cuda_devices() -> list[Device]:
    count = _cuda_count()
    if not count:
        return []
    torch = _torch()
    return [
        Device(f"cuda:{index}", "cuda", torch.cuda.get_device_name(index), total, free)
        for index, (free, total) in enumerate(_cuda_memory(torch, count))
    ]


def _cuda_memory(torch: Any, count: int) -> list[tuple[int | None, int | None]]:
    """Return (free, total) bytes of each CUDA device.

    The driver's own library answers without any trace on the devices. torch makes a context on each that
    it asks, which takes hundreds of megabytes of every GPU of a shared machine until the process ends; it is
    asked where the library (nvidia-ml-py) is not installed or does not know a device.
    """
    by_driver = _memory_by_driver(torch, count)
    return [known or _memory_by_torch(torch, index) for index, known in enumerate(by_driver)]


def _memory_by_driver(torch: Any, count: int) -> list[tuple[int, int] | None]:
    unknown: list[tuple[int, int] | None] = [None] * count
    try:
        import pynvml
    except ImportError:
        return unknown
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return unknown
    try:
        return [_memory_by_identity(pynvml, torch, index) for index in range(count)]
    finally:
        pynvml.nvmlShutdown()


def _memory_by_identity(pynvml: Any, torch: Any, index: int) -> tuple[int, int] | None:
    # CUDA_VISIBLE_DEVICES and CUDA's order of devices make other numbers of them: the identity decides
    identity = getattr(torch.cuda.get_device_properties(index), "uuid", None)
    if identity is None:
        return None
    try:
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{str(identity).removeprefix('GPU-')}")
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    except pynvml.NVMLError:  # a part of a device (MIG) has an identity of another kind
        return None
    return int(memory.free), int(memory.total)


def _memory_by_torch(torch: Any, index: int) -> tuple[int | None, int | None]:
    try:
        free, total = torch.cuda.mem_get_info(index)
    except RuntimeError:  # taken exclusively by another process: listed, and chosen last
        return None, None
    return free, total


def _mps_devices() -> list[Device]:
    if sys.platform != "darwin" or platform.machine() != "arm64":
        return []
    torch = _torch()
    if not torch.backends.mps.is_available():
        return []
    total = torch.mps.recommended_max_memory()
    return [Device("mps", "mps", "Apple GPU", total, total - torch.mps.driver_allocated_memory())]


def _hidden() -> bool:
    """Return whether the environment hides every CUDA device."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return visible is not None and visible.strip() in {"", "-1"}


def _count(torch: Any) -> tuple[int, str]:
    """Return how many CUDA devices torch sees, and what it complained of while looking."""
    with warnings.catch_warnings(record=True) as complaints:
        warnings.simplefilter("always")
        count = int(torch.cuda.device_count()) if torch.cuda.is_available() else 0
    return count, "; ".join(str(c.message).splitlines()[0] for c in complaints)


def _torch() -> ModuleType:
    import torch

    return torch


def _names(devices: Iterable[Device]) -> str:
    return ", ".join(device.name for device in devices)
