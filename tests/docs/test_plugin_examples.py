"""The author's guide holds whole plugins: they are installed from its pages, used, and put to the kit."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pages import files_of, run, run_blocks

from had_cli.training.checkpoint import FILE

ROOT = Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "plugins"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Write the files of all pages and install the distributions into a folder of their own."""
    folder = tmp_path_factory.mktemp("plugins")
    for page in sorted(PAGES.glob("*.md")):
        for path, content in files_of(page).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content, encoding="utf-8")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-build-isolation", "--no-index", "--target", str(folder / "site")]
    done = subprocess.run(
        [
            *command,
            *(str(file.parent) for file in sorted(folder.glob("had-*/pyproject.toml"))),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(scope="module")
def scene(installed):
    from had_cli.scenes.demo import make_scene

    return make_scene(installed / "scene", rows=40, cols=56, bands=40)


def python(installed, *words):
    done = run([sys.executable, *words], installed, PYTHONPATH=str(installed / "site"))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def had(installed, *words):
    return python(installed, "-m", "had_cli", *words)


def test_the_plugins_are_shown_as_sound(installed):
    plugins = {p["name"]: p for p in json.loads(had(installed, "plugins", "--json"))["plugins"]}
    assert plugins["sam"]["state"] == "ok"
    assert plugins["sam"]["methods"] == ["sam"]
    assert plugins["reference"]["weights"]["reference"]["use"] == "required"
    extras = plugins["extras"]
    assert extras["state"] == "ok"
    assert extras["hooks"] == [
        *("had_exporters", "had_methods", "had_metrics", "had_panels", "had_readers"),
        *("had_thresholds", "had_writers"),
    ]
    offered = {kind: extras[kind] for kind in ("thresholds", "panels", "exporters")}
    assert offered == {"thresholds": ["mad"], "panels": ["extremes"], "exporters": ["xyz"]}


def test_the_method_of_the_guide_passes_the_kit(installed):
    tests = installed / "had-sam" / "tests"
    assert " passed" in python(
        installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", tests
    )


def test_the_paper_s_method_is_short_equals_its_formula_and_passes_the_kit(installed):
    code = files_of(PAGES / "paper.md")["had-krx/had_krx/detector.py"]
    assert len(code.splitlines()) < 150
    tests = installed / "had-krx" / "tests"
    assert " passed" in python(
        installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", tests
    )


def test_the_parameter_of_the_method_is_an_option(installed, scene):
    assert "--degrees" in had(installed, "detect", "-m", "sam", "--help")
    had(installed, "detect", "-m", "sam", scene.scene, "-o", "radians.npy")
    had(installed, "detect", "-m", "sam", "--degrees", scene.scene, "-o", "degrees.npy")
    radians, degrees = (np.load(installed / f"{name}.npy") for name in ("radians", "degrees"))
    np.testing.assert_allclose(degrees, np.degrees(radians), rtol=1e-5)
    assert 0 < np.nanmedian(radians) < 1.6


def test_the_reader_opens_its_scenes(installed):
    values = np.arange(24.0).reshape(2, 3, 4).tolist()
    document = {"wavelengths": [500, 600, 700, 800], "values": values}
    (installed / "small.cube").write_text(json.dumps(document), encoding="utf-8")
    told = json.loads(had(installed, "info", "small.cube", "--json"))
    assert "cube JSON" in json.dumps(told)
    had(installed, "convert", "small.cube", "small.npy")
    assert np.load(installed / "small.npy").tolist() == values


def test_the_quality_mask_of_the_reader_applies_unless_it_is_not_wanted(installed):
    rng = np.random.default_rng(0)
    clouds = np.zeros((9, 8), int)
    clouds[2, 3:6] = 1
    document = {"wavelengths": [500, 600], "values": rng.normal(size=(9, 8, 2)).tolist()}
    content = json.dumps({**document, "clouds": clouds.tolist()})
    (installed / "cloudy.cube").write_text(content, encoding="utf-8")
    told = json.loads(had(installed, "info", "cloudy.cube", "--json"))
    assert told["quality"] == [
        {"name": "cloud", "summary": "clouds of the file", "applied": True, "pixels": 3}
    ]
    had(installed, "detect", "-m", "grx", "cloudy.cube", "-o", "clear.npy")
    had(installed, "detect", "-m", "grx", "cloudy.cube", "-o", "all.npy", "--quality", "none")
    assert np.array_equal(np.isnan(np.load(installed / "clear.npy")), clouds == 1)
    assert np.isfinite(np.load(installed / "all.npy")).all()


def test_the_writer_writes_from_the_bottom_up(installed, scene):
    had(installed, "detect", "-m", "brightness", scene.scene, "-o", "bright.pfm")
    had(installed, "detect", "-m", "brightness", scene.scene, "-o", "bright.npy")
    content = (installed / "bright.pfm").read_bytes()
    assert content.startswith(b"Pf\n56 40\n-1.0\n")
    rows = np.frombuffer(content[len(b"Pf\n56 40\n-1.0\n") :], "<f4").reshape(40, 56)
    np.testing.assert_array_equal(rows[::-1], np.load(installed / "bright.npy"))


def test_the_metric_stands_in_every_evaluation(installed, scene):
    had(installed, "detect", "-m", "grx", scene.scene, "-o", "map.tif")
    told = json.loads(had(installed, "evaluate", "map.tif", "--truth", scene.truth, "--json"))
    assert 0 < told["metrics"]["youden"] <= 1
    assert "max (P_D - P_F)" in told["formulas"]["youden"]


@pytest.fixture(scope="module")
def bright(installed, scene):
    had(installed, "detect", "-m", "brightness", scene.scene, "-o", "bright.tif")
    from had_cli.scenes.open import open_scores

    return open_scores(installed / "bright.tif")


def test_the_threshold_is_that_of_the_rule(installed, bright):
    told = json.loads(had(installed, "threshold", "bright.tif", "--rule", "mad:4", "--json"))
    scores = bright[0][np.isfinite(bright[0])].astype(float)
    deviation = 1.4826 * np.median(np.abs(scores - np.median(scores)))
    threshold = told["threshold"]
    assert threshold["value"] == pytest.approx(np.median(scores) + 4 * deviation, rel=1e-12)
    assert threshold["pixels"] == (scores >= threshold["value"]).sum()
    assert threshold["rule"] == "mad:4"


def test_a_number_that_the_rule_does_not_take_is_refused_with_an_example(installed, bright):
    environment = {"PYTHONPATH": str(installed / "site")}
    for rule, said in (
        ("mad:-1", "mad takes deviations above the median, 0 or more, as in mad:5"),
        ("med:5", "give cfar:PF, quantile:Q, value:V or chi2:PF, mad:5"),
    ):
        words = [sys.executable, "-m", "had_cli", "threshold", "bright.tif", "--rule", rule]
        done = run(words, installed, **environment)
        assert done.returncode == 2
        assert said in done.stderr


def test_the_panel_stands_on_the_page_as_data(installed, scene, bright):
    had(installed, "report", scene.scene, "bright.tif", "-o", "bright.html")
    page = (installed / "bright.html").read_text(encoding="utf-8")
    carried = json.loads(page.partition('id="carried"')[2].partition(">")[2].partition("</script>")[0])
    (panel,) = carried["panels"]
    assert panel["title"] == "Extremes"
    head, first, *_ = panel["table"]
    assert head == ["row", "column", "score"]
    row, col = np.unravel_index(np.nanargmax(bright[0]), bright[0].shape)
    assert first[:2] == [str(row), str(col)]


def test_the_export_has_a_line_per_pixel_with_its_place(installed, bright):
    had(installed, "export", "bright.tif", "bright.xyz")
    lines = np.loadtxt(installed / "bright.xyz")
    scores, info = bright
    assert len(lines) == np.isfinite(scores).sum()
    a, _, c, _, e, f = info.transform
    np.testing.assert_allclose(lines[0, :2], (c + a / 2, f + e / 2), rtol=1e-8)
    np.testing.assert_allclose(lines[:, 2], scores[np.isfinite(scores)], rtol=1e-6)


def test_the_training_of_the_guide_is_resumed_to_the_same_bytes_after_a_kill(installed, scene):
    code = files_of(PAGES / "training.md")["had-bottleneck/had_bottleneck/code.py"]
    assert len(code.partition("def detect")[0].split("def train")[1].splitlines()) <= 40
    folder = installed / "bottleneck"
    folder.mkdir()
    words = ["train", "-m", "bottleneck", str(scene.scene), "--epochs", "40", "--device", "cpu"]
    had(installed, *words, "-o", "bottleneck/whole")
    state = ["-o", "bottleneck/killed", "--checkpoint", "bottleneck/state"]
    killed = subprocess.Popen(
        [sys.executable, "-m", "had_cli", *words, *state],
        cwd=installed,
        env={**os.environ, "PYTHONPATH": str(installed / "site"), "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 120
    while not (folder / "state" / FILE).exists() and killed.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    killed.kill()
    assert killed.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not (folder / "killed").exists()
    for _ in range(2):  # finished, it may be resumed again
        had(installed, *words, *state, "--resume")
        assert (folder / "killed").read_bytes() == (folder / "whole").read_bytes()


def test_the_trained_method_of_the_guide_learns_and_detects(installed, scene):
    words = ["train", "-m", "bottleneck", scene.scene, "-o", "net", "--log-file", "epochs.csv"]
    had(installed, *words)
    with (installed / "epochs.csv").open(newline="") as file:
        losses = [float(row["held_out_loss"]) for row in csv.DictReader(file)]
    assert min(losses) < losses[0] / 2
    had(installed, "detect", "-m", "bottleneck", "-w", "net", scene.scene, "-o", "rebuilt.npy")
    scores = np.load(installed / "rebuilt.npy")
    assert scores.shape == (40, 56)
    assert np.nanstd(scores) > 0


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_the_commands_of_the_page_run(installed, scene, page):
    run_blocks(page, scene.scene.parent, PYTHONPATH=str(installed / "site"))


def test_every_hook_has_its_section_with_a_signature():
    from had_cli.plugin.hooks import HadSpecs

    text = (PAGES / "hooks.md").read_text(encoding="utf-8")
    for name in (name for name in vars(HadSpecs) if name.startswith("had_")):
        returns = getattr(HadSpecs, name).__annotations__["return"].removeprefix("list[").removesuffix("]")
        assert f"## {name}\n" in text
        assert f"{name}() -> list[had_cli.plugin.{returns}]" in text


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_python_on_the_pages_compiles(page):
    for path, content in files_of(page).items():
        if path.endswith(".py"):
            compile(content, path, "exec")
