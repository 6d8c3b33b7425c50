"""Check every method on a CUDA device against the CPU, make it run out of memory, and print the times.

    python docs/measurements/gpu.py [--device cuda:0] [--vectors FOLDER] [--against CHECKOUT] [--side 400]

For every method: its map of a synthetic flight line on both devices, with the largest difference as a share
of the map's span; the same on a device that may use less and less of its memory; a short training; seconds of
both devices. GRX and SLRX are held to golden vectors too, where FOLDER (`../shared/vectors`) has them; the
networks are held to theirs on the CPU by the tests. With the path of another checkout, that one's seconds on
the same device stand beside. On a machine without CUDA it says so in one line and exits with 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import had_cli
from had_cli.engine.devices import choose_device, why_no_cuda
from had_cli.errors import HadError
from had_cli.plugin import host
from had_cli.scenes.demo import make_scene

# of the span of a map: rounding of single precision, through a network and the inverse of a covariance
TOLERANCE = {"grx": 1e-4, "slrx": 1e-4, "ssf": 1e-3, "tdd": 5e-3}
OTHERS = 1e-2
DETECTION: dict[str, dict[str, Any]] = {"nl2net": {"epochs": 2}}
TRAINING: dict[str, dict[str, Any]] = {
    "ferd": {"epochs": 1, "patches": 32, "backbone": "random"},
    "fers": {
        "epochs": 1,
        "patches": 32,
        "backbone": "random",
        "teacher_backbone": "random",
        "teacher_epochs": 1,
    },
    "nl2net": {"epochs": 2},
    "tdd": {"recipe": "dependable", "epochs": 1, "patches": 16, "width": 0.0625},
}
VECTORS = {
    "grx": ("grx", ("rx", 60, 50, 40), {}, 1e-5),
    "slrx": ("slrx", ("rx", 60, 50, 40), {"block_size": 4}, 3e-3),
}


def main() -> int:
    """Run everything; return 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--vectors", type=Path, default=Path("../shared/vectors"))
    parser.add_argument("--against", type=Path, help="another checkout, to be timed on the same scene")
    parser.add_argument("--side", type=int, default=400, help="rows and columns of the scene")
    parser.add_argument("--only-times", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    reason = why_no_cuda()
    if reason is not None:
        print(f"this measurement needs a CUDA device: {reason}", file=sys.stderr)
        return 1
    device = choose_device(args.device)
    if args.only_times:
        print(json.dumps({method: seconds(method, args.only_times, device) for method in host.methods()}))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        scene = make_scene(Path(folder), rows=args.side, cols=args.side).scene
        before = other_times(args.against, scene, device) if args.against else {}
        print(
            "| method | of span | CPU s | GPU s | before | memory runs out | training |\n" + "|---" * 7 + "|"
        )
        failed = [method for method in host.methods() if not row(method, scene, device, before, Path(folder))]
        failed += vectors(args.vectors, device)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def row(method: str, scene: Path, device: str, before: dict[str, float], folder: Path) -> bool:
    """Print a method's line of the table; return whether all of it is as it should be."""
    on_cpu, on_gpu = detected(method, scene, "cpu"), detected(method, scene, device)
    apart = difference(on_gpu.scores, on_cpu.scores)
    starved = starving(method, scene, device, on_cpu.scores)
    trained = training(method, scene, device, folder)
    print(
        f"| {method} | {apart:.1e} | {on_cpu.seconds:.2f} | {seconds(method, scene, device):.2f} | "
        f"{before.get(method, float('nan')):.2f} | {starved} | {trained} |",
        flush=True,
    )
    fine = apart <= TOLERANCE.get(method, OTHERS) and on_gpu.device == device
    return fine and not starved.startswith("wrong") and not trained.startswith("wrong")


def detected(method: str, scene: Path, device: str) -> had_cli.Detection:
    """Return what ``had detect`` makes of the scene."""
    return had_cli.detect(str(scene), method, device=device, **DETECTION.get(method, {}))


def seconds(method: str, scene: Path, device: str) -> float:
    """Return the seconds of the second of two runs: the first loads kernels."""
    detected(method, scene, device)
    start = time.perf_counter()
    detected(method, scene, device)
    return time.perf_counter() - start


def difference(found: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference as a share of the expected map's span."""
    if not (np.isfinite(found) == np.isfinite(expected)).all():
        return float("inf")
    return float(np.nanmax(np.abs(found - expected)) / (np.nanmax(expected) - np.nanmin(expected)))


@contextmanager
def allowed(device: str, size: int) -> Iterator[None]:
    """Let this process hold so many bytes of the device."""
    import torch

    total = torch.cuda.mem_get_info(device)[1]
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction(min(1.0, size / total), device)
    try:
        yield
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0, device)


def starving(method: str, scene: Path, device: str, expected: np.ndarray) -> str:
    """Give a method less and less memory; return how it went on, or what was wrong."""
    ways = []
    for size in (2**28, 2**26, 2**22):
        with allowed(device, size):
            try:
                found = detected(method, scene, device)
            except Exception as error:  # noqa: BLE001 - goes into the table
                return f"wrong at {size >> 20} MiB: {error}".splitlines()[0]
        if difference(found.scores, expected) > TOLERANCE.get(method, OTHERS):
            return f"wrong map at {size >> 20} MiB"
        ways.append(f"{size >> 20} MiB: {found.device}, {len(found.warnings)} warnings")
    return "; ".join(ways)


def training(method: str, scene: Path, device: str, folder: Path) -> str:
    """Train twice on the device; return whether the weights are the same bytes."""
    if host.method(method).train is None:
        return "none"
    try:
        made = []
        for number in range(2):
            output, options = folder / f"{method}{number}.safetensors", TRAINING.get(method, {})
            had_cli.train([str(scene)], method, output, device=device, **options)
            made.append(output.read_bytes())
    except (HadError, RuntimeError) as error:
        return f"wrong: {error}".splitlines()[0]
    return "same bytes twice" if made[0] == made[1] else "wrong: other bytes the second time"


def vectors(folder: Path, device: str) -> list[str]:
    """Print how far the methods are from their golden vectors; return those that are too far."""
    if not (folder / "fill.py").is_file():
        print(f"\nno golden vectors in {folder}")
        return []
    spec = importlib.util.spec_from_file_location("fill", folder / "fill.py")
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - the file is there
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    failed = []
    for method, (name, cube, params, most) in VECTORS.items():
        expected = np.load(folder / f"{name}.npz")["scores"]
        found = had_cli.detect(module.cube(*cube), method, device=device, **params).scores
        apart = float(np.abs(found - expected).max() / np.abs(expected).max())
        print(f"{method}: {apart:.1e} from its golden vector (at most {most:.0e})")
        failed += [f"{method}'s vector"] if apart > most else []
    return failed


def other_times(checkout: Path, scene: Path, device: str) -> dict[str, float]:
    """Return the seconds of each method in another checkout, by this script run with its packages."""
    paths = os.pathsep.join([str(checkout.resolve()), str((checkout / "plugins").resolve())])
    command = [sys.executable, __file__, "--device", device, "--only-times", str(scene)]
    done = subprocess.run(  # noqa: S603 - this script, by this interpreter
        command, env={**os.environ, "PYTHONPATH": paths}, check=True, capture_output=True, text=True
    )
    times: dict[str, float] = json.loads(done.stdout)
    return times


if __name__ == "__main__":
    sys.exit(main())
