"""The tables of "Choosing a method" are made by a script, which knows what was trained on what."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from distributions import MEAN, install, site

from had_cli.bench.configurations import configure
from had_cli.plugin.testing import example_cube
from had_cli.weights.file import load_weights

__all__ = ["site"]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def choosing():
    path = ROOT / "docs" / "measurements" / "choosing.py"
    spec = importlib.util.spec_from_file_location("docs_choosing", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def scenes(tmp_path):
    """Return a folder of two scenes with truths."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    for seed, name in enumerate(("fields", "harbour")):
        cube, truth = example_cube(24, 30, 6, seed=seed)
        scipy.io.savemat(folder / f"{name}.mat", {"data": cube, "map": truth.astype(np.uint8)})
    return folder


@pytest.fixture
def page(choosing, tmp_path, monkeypatch):
    """Return a page to be written instead of the real one."""
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- measured: choosing -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(choosing, "PAGE", path)
    return path


def test_the_page_gets_the_figures_of_every_scene_and_method(choosing, scenes, page, tmp_path, capsys):
    words = ["--methods", "grx,slrx", "--folder", str(tmp_path / "bench"), str(scenes)]
    choosing.main(words)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("before\n<!-- measured: choosing -->\n| method | mean AUC(D,F) |")
    assert text.endswith("\n<!-- end -->\nafter\n")
    assert "old" not in text
    for scene in ("fields", "harbour"):
        values = [float(v) for v in re.search(rf"\| {scene} \| (\S+) \| (\S+) \|", text).groups()]
        assert all(0.9 < value <= 1 for value in values)
    assert "`nl2net`" in text.partition("Not measured:")[2]
    # what is done is kept, so the same again changes nothing
    choosing.main(words)
    assert page.read_text(encoding="utf-8") == text


def test_a_dry_run_leaves_the_page(choosing, scenes, page, tmp_path, capsys):
    before = page.read_text(encoding="utf-8")
    choosing.main(["--methods", "grx", "--folder", str(tmp_path / "bench"), "--dry", str(scenes)])
    assert page.read_text(encoding="utf-8") == before
    assert "| `grx` |" in capsys.readouterr().out


class Found:
    """Results of two scenes and two methods."""

    def __init__(self, scenes):
        paths = {path.stem: str(path) for path in sorted(scenes.glob("*.mat"))}
        self.scenes = list(paths)
        self.labels = ["grx", "mean"]
        self.results = {
            "version": "1",
            "scenes": [{"name": n, "path": p, "rows": 24, "cols": 30} for n, p in paths.items()],
            "methods": [
                {"label": "grx", "method": "grx", "weights": None},
                {"label": "mean", "method": "mean", "weights": "w.safetensors"},
            ],
        }

    def values(self, _metric):
        return {"fields": {"grx": 0.5, "mean": 0.9}, "harbour": {"grx": 0.7, "mean": 0.6}}

    def costs(self, _name):
        return {scene: {"grx": 2.0**20, "mean": 2.0**21} for scene in self.scenes}


def test_scenes_that_weights_were_trained_on_are_marked_even_under_another_name(
    choosing, scenes, site, tmp_path
):
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    from had_cli.training.train import train

    renamed = tmp_path / "renamed.mat"
    renamed.write_bytes((scenes / "fields.mat").read_bytes())
    weights = tmp_path / "w.safetensors"
    train([renamed], "mean", weights)
    assert load_weights(weights).header["scenes"][0]["name"] == "renamed"
    found = Found(scenes)
    known = choosing.trained_on(configure(["grx", "mean"], [f"mean={weights}"]), found)
    assert known == {"grx": frozenset(), "mean": frozenset({"fields"})}
    text = choosing.tables(found, known)
    assert "| fields | 0.5000 | 0.9000 \\* |" in text
    assert "| harbour | 0.7000 | 0.6000 |" in text
    assert "| `grx` | 0.6000 | 0.6000 (2) | 1e+06 | 1 MiB | nothing |" in text
    assert "| `mean` | 0.7500 | 0.6000 (1) | 2.1e+06 | 2 MiB | weights; w.safetensors come with it |" in text
    both = choosing.tables(found, {"grx": frozenset(), "mean": frozenset(found.scenes)})
    assert "| `mean` | 0.7500 | none left: see its card |" in both


def test_methods_without_weights_of_their_own_are_left_out(choosing, site):
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    assert {"grx", "slrx", "nl2net"} <= set(choosing.runnable())
    assert "mean" not in choosing.runnable()


def test_the_page_of_the_guide_holds_tables(choosing):
    text = choosing.PAGE.read_text(encoding="utf-8")
    assert choosing._REGION.search(text)
    assert "| method | mean AUC(D,F) |" in text
