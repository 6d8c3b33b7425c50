"""The choice of a device, on machines that this one is not: torch is replaced by what it would answer."""

import platform
import subprocess
import sys
import types
import warnings

import numpy as np
import psutil
import pytest

from had_cli.engine import devices
from had_cli.engine.devices import choose_device, is_out_of_memory, list_devices, namespace, why_no_cuda
from had_cli.errors import DeviceError, UsageError

GIB = 2**30


class OutOfMemoryError(RuntimeError):
    """Stands for torch.OutOfMemoryError."""


def fake_torch(*, free=(), version="2.9.0+cu128", cuda="12.8", complaint=None, mps=False, asked=None):
    """Return a torch that sees one CUDA device per entry of ``free`` (bytes, or None: it is taken)."""

    def is_available():
        if complaint:
            warnings.warn(complaint, stacklevel=1)
        return bool(free)

    def mem_get_info(index):
        if asked is not None:
            asked.append(index)
        if free[index] is None:
            raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable")
        return free[index], 24 * GIB

    torch = types.ModuleType("torch")
    torch.__version__ = version
    torch.version = types.SimpleNamespace(cuda=cuda, hip=None)
    torch.OutOfMemoryError = OutOfMemoryError
    torch.cuda = types.SimpleNamespace(
        is_available=is_available,
        device_count=lambda: len(free),
        get_device_name=lambda index: f"Accelerator {index}",
        mem_get_info=mem_get_info,
        get_device_properties=lambda index: types.SimpleNamespace(uuid=f"identity-{index}"),
    )
    torch.backends = types.SimpleNamespace(mps=types.SimpleNamespace(is_available=lambda: mps))
    torch.mps = types.SimpleNamespace(
        recommended_max_memory=lambda: 16 * GIB, driver_allocated_memory=lambda: GIB
    )
    return torch


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Make this machine one with (or without) a driver and with the torch given."""

    def build(*, driver=True, apple=False, **of_torch):
        assert psutil  # imported above: it looks at sys.platform, which is about to change
        trace = tmp_path / "nvidiactl"
        trace.touch()
        monkeypatch.setattr(devices, "_TRACES", (str(trace),) if driver else (str(tmp_path / "none"),))
        monkeypatch.setattr(sys, "platform", "darwin" if apple else "linux")
        monkeypatch.setattr(platform, "machine", lambda: "arm64" if apple else "x86_64")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        monkeypatch.setitem(sys.modules, "torch", fake_torch(**of_torch))
        monkeypatch.setitem(sys.modules, "pynvml", None)  # not installed

    return build


class NVMLError(Exception):
    """Stands for pynvml.NVMLError."""


def fake_nvml(free, *, works=True):
    """Return a driver's library that knows devices by identity: {number: free bytes}."""

    def start():
        if not works:
            raise NVMLError("Driver/library version mismatch")

    def handle(identity):
        number = int(identity.removeprefix("GPU-identity-"))
        if number not in free:
            raise NVMLError("Not Found")
        return number

    nvml = types.ModuleType("pynvml")
    nvml.NVMLError = NVMLError
    nvml.nvmlInit, nvml.nvmlShutdown = start, lambda: None
    nvml.nvmlDeviceGetHandleByUUID = handle
    nvml.nvmlDeviceGetMemoryInfo = lambda n: types.SimpleNamespace(free=free[n], total=24 * GIB)
    return nvml


def test_the_driver_is_asked_for_free_memory_and_no_context_is_made(machine, monkeypatch):
    asked = []
    machine(free=(9 * GIB, GIB, GIB), asked=asked)
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml({0: GIB, 1: 2 * GIB, 2: 5 * GIB}))
    assert choose_device("auto") == "cuda:2"
    assert [d.memory_free for d in list_devices()[1:]] == [GIB, 2 * GIB, 5 * GIB]
    assert devices.free_memory("cuda:1") == 2 * GIB
    assert not asked


def test_torch_is_asked_for_what_the_driver_does_not_know(machine, monkeypatch):
    asked = []
    machine(free=(9 * GIB, GIB), asked=asked)
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml({1: 2 * GIB}))
    assert choose_device("auto") == "cuda:0"
    assert asked == [0]


def test_a_driver_that_does_not_answer_is_no_error(machine, monkeypatch):
    machine(free=(GIB, 3 * GIB))
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml({}, works=False))
    assert choose_device("auto") == "cuda:1"


def test_a_single_device_is_taken_without_asking_for_its_memory(machine):
    asked = []
    machine(free=(GIB,), asked=asked)
    assert choose_device("auto") == "cuda:0"
    assert choose_device("cuda:0") == "cuda:0"
    assert not asked


def test_free_memory_of_what_does_not_tell_is_unknown(machine):
    machine(driver=False)
    assert devices.free_memory("cuda:0") is None
    assert devices.free_memory("cpu") is None


def test_without_a_driver_auto_is_the_cpu_and_torch_is_not_even_imported(machine, monkeypatch):
    machine(driver=False)
    monkeypatch.setitem(sys.modules, "torch", None)  # importing it would raise
    assert choose_device("auto") == "cpu"
    assert [device.name for device in list_devices()] == ["cpu"]


def test_listing_and_choosing_in_a_fresh_interpreter_imports_torch_only_where_a_driver_is():
    code = (
        "import sys; from had_cli.engine import devices; devices._TRACES = ();"
        "devices.choose_device('auto'); devices.choose_device('cpu'); devices.list_devices();"
        "assert not {'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_the_cuda_device_with_most_free_memory_is_taken(machine, asked):
    machine(free=(2 * GIB, 9 * GIB, 5 * GIB))
    assert choose_device(asked) == "cuda:1"


def test_of_equals_the_first_is_taken(machine):
    machine(free=(4 * GIB, 4 * GIB))
    assert choose_device("auto") == "cuda:0"


def test_a_device_that_another_process_holds_is_taken_last(machine):
    machine(free=(None, GIB))
    assert choose_device("auto") == "cuda:1"
    assert [d.memory_free for d in list_devices()[1:]] == [None, GIB]


def test_a_device_asked_for_by_number_is_taken(machine):
    machine(free=(2 * GIB, 9 * GIB))
    assert choose_device("cuda:0") == "cuda:0"


def test_an_index_that_is_not_there_is_refused_with_what_is(machine):
    machine(free=(GIB, GIB))
    with pytest.raises(
        DeviceError, match=r"cuda:2: there is no such device here; there is cpu, cuda:0, cuda:1$"
    ):
        choose_device("cuda:2")


def test_cuda_without_a_driver_is_refused_with_the_reason(machine):
    machine(driver=False)
    with pytest.raises(DeviceError, match="no GPU driver on this machine; use --device cpu"):
        choose_device("cuda:0")


def test_a_cpu_build_of_torch_is_told(machine):
    machine(cuda=None, version="2.9.0+cpu")
    assert choose_device("auto") == "cpu"
    with pytest.raises(DeviceError, match=r"torch 2\.9\.0\+cpu is a CPU build"):
        choose_device("cuda")


def test_what_torch_complains_of_is_told_and_not_printed(machine):
    machine(complaint="CUDA initialization: The NVIDIA driver on your system is too old\nmore")
    assert choose_device("auto") == "cpu"
    with pytest.raises(DeviceError, match=r"finds no CUDA device \(CUDA initialization: .* too old\)"):
        choose_device("cuda")


def test_devices_hidden_by_the_environment_are_told(machine, monkeypatch):
    machine(free=(GIB,))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert choose_device("auto") == "cpu"
    with pytest.raises(DeviceError, match="CUDA_VISIBLE_DEVICES='' hides every CUDA device"):
        choose_device("cuda")


def test_there_is_no_reason_against_a_device_that_is_there(machine):
    machine(free=(GIB,))
    assert why_no_cuda() is None


def test_mps_is_taken_on_request_only(machine):
    machine(driver=False, apple=True, mps=True)
    assert choose_device("auto") == "cpu"
    assert choose_device("mps") == "mps"
    assert list_devices()[1].memory_free == 15 * GIB


@pytest.mark.parametrize("apple", [True, False])
def test_mps_where_there_is_none_is_refused(machine, apple):
    machine(driver=False, apple=apple)
    with pytest.raises(DeviceError, match="no usable MPS device; there is cpu"):
        choose_device("mps")


@pytest.mark.parametrize("text", ["gpu", "cuda:", "cuda:-1", "cuda:x", "autom", "", "CPU", "cpu\n", "cuda:٣"])
def test_a_text_that_names_no_device_is_wrong_usage(text):
    with pytest.raises(UsageError, match="--device takes auto, cpu, cuda, cuda:N or mps"):
        choose_device(text)


def test_the_list_tells_memory_and_model(machine):
    machine(free=(3 * GIB,))
    cpu, gpu = list_devices()
    assert cpu.kind == "cpu"
    assert 0 < cpu.memory_free <= cpu.memory_total
    assert (gpu.name, gpu.kind, gpu.model) == ("cuda:0", "cuda", "Accelerator 0")
    assert (gpu.memory_total, gpu.memory_free) == (24 * GIB, 3 * GIB)


def test_the_cpu_computes_with_numpy_itself():
    assert namespace("cpu") is np


@pytest.mark.parametrize("device", ["cuda:0", "mps"])
def test_other_devices_compute_with_torch_under_numpys_names(device):
    xp = namespace(device)
    ones = xp.ones((2, 3), dtype=xp.float32)
    assert xp.sum(ones, axis=0).shape == (3,)
    assert type(ones).__module__ == "torch"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("MPS backend out of memory (MPS allocated: 8 GB)"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_errors_that_mean_too_little_memory_are_known(error):
    assert is_out_of_memory(error)


def test_torchs_own_out_of_memory_error_is_known(machine):
    machine()
    assert is_out_of_memory(OutOfMemoryError("whatever it says"))


@pytest.mark.parametrize(
    "error",
    [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory"), OSError()],
)
def test_other_errors_are_not(error):
    assert not is_out_of_memory(error)
