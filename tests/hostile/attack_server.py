"""A process with everything imported once, which runs each case of the attack in a child forked from it.

A line of JSON in (folder, words, environment, bounds), two lines out: the child's number at once, then how
it ended, how long it took, how much memory. The child has a session and folders of its own, a bound on its
address space and a bound on its time; its standard streams are files beside its folder.

The time that is bounded is what the child computes and what it waits for, not what it waits for a processor:
on a machine that is busy with other work nothing else hangs.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import resource
import runpy
import signal
import sys
import time
import traceback
from pathlib import Path

# what commands import on use, imported before the first fork: no child pays for it again
LOADED = (
    *("numpy", "scipy.io", "h5py", "rasterio", "rasterio.features", "rich.console", "rich.progress"),
    *("had_cli.__main__", "had_cli.commands.detect", "had_cli.commands.convert", "had_cli.commands.train"),
    *("had_cli.commands.report", "had_cli.report.writing", "had_cli.commands.models", "had_cli.formats.gdal"),
    *("had_cli.formats.mat5", "had_cli.formats.mat73", "had_cli.formats.envi", "had_cli.formats.npz"),
    *("had_cli.formats.geotiff", "had_cli.formats.mat_writer", "had_cli.detection.detect"),
    *("had_cli.results.threshold", "had_grx.detector", "had_slrx.detector", "had_ssf.detector"),
    *(
        "had_cli.commands.threshold",
        "had_cli.results.places",
        "had_cli.formats.numpy_writer",
        "had_cli.bench.child",
    ),
    *("had_cli.commands.bench", "had_cli.bench.run", "had_cli.formats.envi_writer", "had_cli.bench.plots"),
)
# the rest costs memory, which every fork pays for: a server of its own has it
TORCH = (
    *("torch", "safetensors.numpy", "had_cli.weights.importing", "had_cli.weights.probe"),
    *(
        "had_tdd.detector",
        "had_nl2net.detector",
        "had_nl2net.released",
        "had_tdd.released",
        "had_fers.importer",
    ),
    *(
        "had_cli.training.train",
        "had_ferd.trainer",
        "had_fers.trainer",
        "had_tdd.trainer",
        "had_nl2net.trainer",
    ),
)


def main() -> None:
    """Serve until standard input is closed."""
    for name in (*LOADED, *(TORCH if "torch" in sys.argv else ())):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    from had_cli.plugin import host

    host.methods()
    gc.collect()
    gc.freeze()  # what no collection looks at is not copied into the children
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    answers = os.dup(1)
    for line in sys.stdin:
        job = json.loads(line)
        before = time.monotonic()
        child = os.fork()
        if not child:
            _run(job)
        os.write(answers, json.dumps({"child": child}).encode() + b"\n")
        status, used, late, left = _wait(child, job["seconds"])
        answer = {
            "status": os.waitstatus_to_exitcode(status),
            "late": late,
            "left": left,
            "seconds": time.monotonic() - before,
            "computed": used.ru_utime + used.ru_stime,
            "memory": used.ru_maxrss * 1024,
        }
        os.write(answers, json.dumps(answer).encode() + b"\n")


def _wait(child: int, seconds: float) -> tuple[int, resource.struct_rusage, bool, bool]:
    """Return status and usage, whether it had to be ended, and whether processes of it outlived it."""
    waited, late, before = 0.0, False, time.monotonic()
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            break
        now = time.monotonic()
        computed, ready = _state(child)
        waited += 0.0 if ready else now - before
        before = now
        if not late and computed + waited > seconds:
            late = True
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        time.sleep(min(0.1, 0.002 + (computed + waited) / 50))
    with contextlib.suppress(ProcessLookupError):
        for _ in range(1000):  # a child that loses its parent hears of it before long
            os.killpg(child, 0)
            time.sleep(0.002)
        os.killpg(child, signal.SIGKILL)
        return status, used, late, True
    return status, used, late, False


def _state(process: int) -> tuple[float, bool]:
    """Return the seconds that a process has computed, and whether it would compute if it were let."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"), fields[0] == "R"


def _run(job: dict) -> None:
    os.setsid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    folder = Path(job["folder"])
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    for stream, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(folder.parent / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), stream)
    os.environ.update(job["environment"])
    os.chdir(folder)
    if job["bytes"]:
        own = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (own + job["bytes"],) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    from had_cli.__main__ import console

    sys.argv = ["had", *(os.fsdecode(bytes.fromhex(word)) for word in job["words"])]
    status = 1
    try:
        if job.get("program"):
            runpy.run_path(job["program"], run_name="__main__")
        elif job["module"]:
            importlib.import_module(job["module"])
        else:
            console()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    finally:  # as the interpreter ends, but for taking apart every module
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(status or 0)


if __name__ == "__main__":
    main()
