"""A run that fails, whatever the reason, leaves nothing behind and says why in one line."""

import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time

import generate
import numpy as np
import pytest
from command_line import files

from had_cli.errors import HadError

CUBE = generate.make_cube(rows=14, cols=15, bands=4)
HAD = [sys.executable, "-m", "had_cli"]
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits and signals of Linux")


@pytest.fixture
def here(had, tmp_path):
    generate.write_npy(tmp_path / "here" / "line.npy", CUBE)
    return tmp_path / "here"


@pytest.mark.parametrize(
    "words",
    [
        ["demo", "new", "--device", "nonsense"],
        ["demo", "http://host/new"],
        ["demo", ""],
        ["detect", "-m", "grx", "line.npy", "-o", ""],
        ["detect", "-m", "grx", "line.npy", "--mask="],
        ["detect", "-m", "grx", "line.npy", "other.npy", "-o", "http://host/maps"],
        ["detect", "-m", "grx", "line.npy", "other.npy", "-o", "maps", "--device", "nonsense"],
        ["detect", "-m", "grx", "line.npy", "--threshold", "quantile:0.9", "--mask-out", "mask.xyz"],
        ["detect", "-m", "nl2net", "line.npy", "--save-background", "absent/back.tif"],
        ["detect", "-m", "nl2net", "line.npy", "--log-file", "1" * 5000],
        ["detect", "-m", "nl2net", "line.npy", "--log-file", "."],
        ["train", "-m", "nl2net", "line.npy", "-o", "w", "--checkpoint", "ck", "--device", "nonsense"],
        ["train", "-m", "nl2net", "line.npy", "-o", "w", "--epochs", "999999999999"],
        ["train", "-m", "nl2net", "line.npy", "-o", "w", "--epochs", "1_0"],
        ["train", "-m", "nl2net", "line.npy", "-o", "w", "--epochs", "+5"],
        ["bench", "line.npy", "-m", "grx", "-o", "http://host/bench"],
    ],
    ids=lambda words: " ".join(words)[:70] or None,
)
def test_options_are_judged_before_anything_is_written(had, here, words):
    ended = had(*words)
    assert ended.status in {1, 2}
    assert len(ended.err) < 1000
    assert "unexpected" not in ended.err
    assert files(here) == ["line.npy"]


def test_a_name_that_is_no_text_has_a_default_output(had, here):
    (here / "line.npy").rename(here / "l\udcff.npy")
    assert had("detect", "-m", "grx", "l\udcff.npy").status == 0
    assert files(here) == ["l_grx.tif".replace("l_", "l__"), "l\udcff.npy"]


def test_a_map_without_a_finite_score_is_a_failure(had, here):
    big = np.where(np.indices(CUBE.shape).sum(axis=0) % 2, 3e38, -3e38).astype(np.float32)
    generate.write_npy(here / "line.npy", big)
    ended = had("detect", "-m", "slrx", "line.npy", "-o", "map.tif")
    assert "line.npy: slrx gives no finite score to any pixel" in ended.err.splitlines()[-1]
    assert ended.status == 1
    assert files(here) == ["line.npy"]


@pytest.fixture
def grx_with(monkeypatch):
    """Return ``grx_with(value)``, after which GRX gives this value to six pixels."""
    from had_cli.plugin import host

    real = host.resolve

    def spoil(value):
        def detect(run, params):
            scores = real("had_grx.detector:detect")(run, params)
            scores[:2, :3] = value
            return scores

        monkeypatch.setattr(
            host, "resolve", lambda name: detect if name == "had_grx.detector:detect" else real(name)
        )

    return spoil


def test_a_map_with_gaps_at_valid_pixels_is_a_failure_that_names_the_plugin(had, here, grx_with):
    grx_with(np.nan)
    ended = had("detect", "-m", "grx", "line.npy", "-o", "map.tif")
    assert "line.npy: grx gives NaN to 6 of 210 valid pixels, first at column 0, row 0" in ended.line
    assert "error in its plugin, grx (had " in ended.line
    assert files(here) == ["line.npy"]


def test_a_gap_at_an_invalid_pixel_is_none(grx_with):
    import had_cli

    cube = CUBE.astype(np.float32)
    cube[:2, :3] = np.nan
    grx_with(np.nan)
    assert had_cli.detect(cube, "grx").valid_pixels == 204
    cube[0, 0] = 1
    with pytest.raises(HadError, match="NaN to 1 of 205 valid pixels"):
        had_cli.detect(cube, "grx")


def test_infinite_scores_are_counted(grx_with):
    import had_cli

    grx_with(np.inf)
    (line,) = [w for w in had_cli.detect(CUBE.astype(np.float32), "grx").warnings if "infinite" in w]
    assert line.startswith("6 of 210 pixels have an infinite score by grx (plugin grx (had ")


@linux
@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".mat", ".npy", ".npz"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_disk_that_fills_up(here, suffix, overwrite):
    """By a limit on the size of files, which every file system has."""
    noise = np.random.default_rng(1).random((60, 50, 20)).astype(np.float32)  # 240 kB however packed
    generate.write_npy(here / "line.npy", noise)
    out = here / f"o{suffix}"
    if overwrite:
        out.write_bytes(b"earlier")
    before = {name: (here / name).read_bytes() for name in files(here)}
    command = " ".join([*HAD, "convert", "line.npy", out.name, *["--overwrite"] * overwrite])
    ended = subprocess.run(
        ["bash", "-c", f"ulimit -f 100; exec {command}"],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1, ended
    assert ended.stderr.count("\n") == 1
    assert f"o{suffix}: cannot be written" in ended.stderr
    assert {name: (here / name).read_bytes() for name in files(here)} == before


@linux
@pytest.mark.parametrize(
    "words",
    [
        ["convert", "line.npy", "o.zarr"],
        ["threshold", "map.tif", "--rule", "quantile:0.5", "--vector", "o.geojson"],
        ["threshold", "map.tif", "--rule", "quantile:0.5", "--vector", "o.gpkg"],
        ["threshold", "map.tif", "--rule", "quantile:0.5", "--vector", "o.shp"],
        ["threshold", "map.tif", "--rule", "quantile:0.5", "-o", "o.tif", "--vector", "p.geojson"],
        ["evaluate", "map.tif", "--truth", "truth.npy", "--roc", "o.csv"],
        ["quicklook", "line.npy", "-o", "o.png"],
        ["report", "line.npy", "map.tif", "-o", "o.html"],
        ["models", "export", "ferd-200", "-o", "o.onnx"],
    ],
    ids=lambda words: f"{words[0]} {words[-1]}",
)
def test_a_disk_that_fills_up_under_other_outputs(here, words):
    random = np.random.default_rng(1)
    generate.write_npy(here / "line.npy", random.random((60, 50, 4)).astype(np.float32))
    generate.write_npy(here / "truth.npy", (random.random((60, 50)) < 0.1).astype("u1"))
    generate.write_geotiff(here / "map.tif", random.random((60, 50, 1)).astype(np.float32), crs="EPSG:32611")
    before = files(here)
    command = " ".join([*HAD, *words])
    ended = subprocess.run(
        ["bash", "-c", f"ulimit -f 1; exec {command}"],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if "install it" in ended.stderr or "pip install" in ended.stderr:
        pytest.skip(ended.stderr)
    assert ended.returncode == 1, ended
    line = ended.stderr.splitlines()[-1]
    assert line.startswith("had: o.")
    assert "Traceback" not in ended.stderr
    assert "unexpected" not in ended.stderr
    assert files(here) == before


@linux
@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".mat", ".npy", ".npz"])
def test_a_small_file_system(here, suffix):
    if os.geteuid() or shutil.which("unshare") is None:
        pytest.skip("mounting a small file system takes root")
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount")
    noise = np.random.default_rng(1).random((60, 50, 20)).astype(np.float32)
    generate.write_npy(here / "line.npy", noise)
    (here / "small").mkdir()
    script = (
        "mount -t tmpfs -o size=100k tmpfs small && echo old > small/other && "
        f"{' '.join(HAD)} convert line.npy small/o{suffix}; echo status $?; ls -A small"
    )
    ended = subprocess.run(
        ["unshare", "-m", "bash", "-c", script],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if "status" not in ended.stdout:
        pytest.skip("this machine lets nobody mount")
    assert ended.stdout == "status 1\nother\n"
    assert ended.stderr.count("\n") == 1
    assert f"o{suffix}: cannot be written" in ended.stderr


@linux
@pytest.mark.parametrize("suffix", [".npy", ".hdr"])
def test_a_limit_on_memory_smaller_than_the_scene(here, suffix):
    """``ulimit -v``: the scene is streamed, by itself; it has holes, so it takes no room on the disk."""
    measure = (
        "from had_cli.__main__ import main\n"
        "try:\n    main()\nfinally:\n    print(open('/proc/self/status').read())"
    )
    words = ["detect", "-m", "grx", "line.npy", "-o", "m.npy"]
    told = subprocess.run(
        [sys.executable, "-c", measure, *words], cwd=here, capture_output=True, text=True, check=True
    )
    peak = int(told.stdout.split("VmPeak:")[1].split()[0])  # in kB
    shape = (500, 800, 320)  # half a gigabyte
    if suffix == ".npy":
        with (here / "big.npy").open("wb") as file:
            head = {"descr": "<f4", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, head)
            file.truncate(file.tell() + 4 * math.prod(shape))
    else:
        generate.write_envi(here / "big.hdr", np.zeros((1, 1, 320), "f4"), lines=500, samples=800)
        os.truncate(here / "big.img", 4 * math.prod(shape))
    command = " ".join([*HAD, "detect", "-m", "grx", f"big{suffix}", "-o", "big.tif"])
    ended = subprocess.run(
        ["bash", "-c", f"ulimit -v {peak + 400_000}; exec {command}"],
        cwd=here,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert (here / "big.tif").stat().st_size > 1000


@linux
@pytest.mark.parametrize("suffix", [".tif", ".hdr"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_two_runs_on_one_output_at_once(here, suffix, overwrite):
    generate.write_npy(here / "other.npy", generate.make_cube(rows=20, cols=11, bands=3) + 7)
    words = ["--overwrite"] * overwrite
    runs = [
        subprocess.Popen(
            [*HAD, "convert", scene, f"o{suffix}", *words], cwd=here, stderr=subprocess.PIPE, text=True
        )
        for scene in ("line.npy", "other.npy")
    ]
    errors = [run.communicate(timeout=120)[1] for run in runs]
    ended = [run.returncode for run in runs]
    if overwrite:
        assert ended == [0, 0], errors
    else:
        assert sorted(ended) == [0, 1], errors
        assert "exists already; give --overwrite" in errors[ended.index(1)]
    from had_cli.scenes.open import open_scene

    cube = open_scene(here / f"o{suffix}").read()
    assert any(
        np.array_equal(cube, np.load(here / scene))
        for scene, status in zip(("line.npy", "other.npy"), ended, strict=True)
        if status == 0
    )
    assert [name for name in files(here) if name.startswith(".")] == []


@linux
def test_a_folder_that_cannot_be_written_to(had, here):
    (here / "closed").mkdir(mode=0o500)
    if not os.geteuid():
        pytest.skip("root writes everywhere")
    ended = had("convert", "line.npy", "closed/o.tif")
    assert ended.line == "closed/o.tif: the folder closed cannot be written to (Permission denied)"


@linux
@pytest.mark.parametrize(
    "words",
    [
        ["info", "pipe.tif"],
        ["detect", "-m", "grx", "line.npy", "--mask", "pipe"],
        ["detect", "-m", "nl2net", "line.npy", "-w", "pipe"],
        ["models", "show", "./pipe"],
        ["models", "import", "nl2net", "pipe", "-o", "w.safetensors"],
        ["bench", "line.npy", "--config", "pipe"],
    ],
    ids=" ".join,
)
def test_nobody_waits_for_a_pipe(here, words):
    for name in ("pipe", "pipe.tif"):
        os.mkfifo(here / name)
    ended = subprocess.run([*HAD, *words], cwd=here, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode in {1, 2}
    assert "regular file" in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert files(here) == ["line.npy", "pipe", "pipe.tif"]


@linux
@pytest.mark.parametrize(
    ("number", "line"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "told to end")]
)
def test_signals_while_modules_load(here, number, line):
    """From the first line of had's own on; before that the interpreter has not begun."""

    def hearing():
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_DFL)

    begun = 0
    for delay in np.linspace(0.0, 0.6, 8):
        process = subprocess.Popen(
            [*HAD, "detect", "-m", "nl2net", "--epochs", "1", "line.npy", "-o", "map.tif"],
            cwd=here,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hearing,  # noqa: PLW1509 - one thread here
        )
        caught = f"/proc/{process.pid}/status"
        while process.poll() is None and not _catches(caught, signal.SIGTERM):
            time.sleep(0.002)
        time.sleep(delay)
        process.send_signal(number)
        process.send_signal(number)
        _, err = process.communicate(timeout=120)
        if process.returncode == 0:
            continue
        begun += 1
        assert (process.returncode, err.splitlines()[-1]) == (128 + number, f"had: {line}")
        assert err.count("had:") == 1
        assert "Traceback" not in err
        assert files(here) == ["line.npy"]
    assert begun


def _catches(status, number):
    """Tell whether a process has a handler of its own for a signal."""
    try:
        with open(status, encoding="ascii") as lines:  # noqa: PTH123 - of /proc
            caught = next(line for line in lines if line.startswith("SigCgt"))
    except (OSError, StopIteration):
        return True
    return bool(int(caught.split()[1], 16) >> (number - 1) & 1)


def test_cells_of_a_summary_compute_nothing(had, here):
    (here / "line.npy").rename(here / "=1+1.npy")
    generate.write_npy(here / "@x.npy", CUBE)
    assert had("detect", "-m", "grx", "=1+1.npy", "@x.npy", "-o", "maps/", "--summary", "s.csv").status == 0
    cells = [line.split(",")[:2] for line in (here / "s.csv").read_text().splitlines()[1:]]
    assert cells == [["'=1+1.npy", "maps/=1+1_grx.tif"], ["'@x.npy", "maps/@x_grx.tif"]]


def test_a_folder_is_no_output(had, here):
    assert had("convert", "line.npy", ".").line.startswith(".: is a folder that holds the source itself")
    (here / "empty").mkdir()
    assert "empty" in had("convert", "line.npy", "empty").line


def test_a_name_of_thousands_of_letters_is_told_by_its_ends(had, here):
    line = had("convert", "line.npy", "a" * 5000 + ".npy").line
    assert "..." in line
    assert len(line) < 500


def test_cells_of_a_spreadsheet_compute_nothing():
    from had_cli.results.spreadsheet import comma_separated

    text = comma_separated([("=1+1", "+x", "-x", "@x", "\tx", "\rx"), ("a=1", "-1.5", 2, -3.0, "", "inf")])
    assert text == "'=1+1,'+x,'-x,'@x,'\tx,' x\na=1,-1.5,2,-3.0,,inf\n"


def test_json_of_a_bench_is_read_from_files_alone(had, here):
    (here / "bench").mkdir()
    (here / "bench" / "results.json").write_text(json.dumps([]))
    assert had("report", "bench").status == 1
