"""The gallery has a picture of every method, small enough for a repository, drawn by its script."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from pages import pictures_of, run_blocks
from PIL import Image

from had_cli.plugin import host
from had_cli.scenes.demo import make_scene

DOCS = Path(__file__).resolve().parents[2] / "docs"
GALLERY = DOCS / "gallery"


def methods():
    own = [plugin for plugin in host.plugins() if plugin.distribution == "had"]
    return sorted(method.name for plugin in own for method in plugin.offer.methods)


def drawn(path):
    """Return the rows x cols x 3 values of a picture."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), float)


def test_there_is_one_picture_of_each_method_and_no_other():
    assert sorted(pictures_of(GALLERY / "index.md")) == [f"{method}.png" for method in methods()]
    assert sorted(path.stem for path in GALLERY.glob("*.png")) == methods()


def test_the_pictures_are_small_and_show_a_scene_beside_its_scores():
    sizes = [path.stat().st_size for path in GALLERY.glob("*.png")]
    assert max(sizes) < 100_000
    assert sum(sizes) < 1_000_000
    for path in GALLERY.glob("*.png"):
        picture = drawn(path)
        assert picture.shape[1] == 900
        left, right = picture[100:300, 100:400], picture[100:300, 450:750]
        assert left.std() > 10
        assert right.std() > 10


@pytest.mark.parametrize("method", methods())
def test_the_page_of_each_method_leads_there(method):
    text = (DOCS / "methods" / f"{method}.md").read_text(encoding="utf-8")
    assert f"../gallery/index.md#{method})" in text
    assert "gallery/index" in (DOCS / "index.md").read_text(encoding="utf-8")


def test_the_script_draws_a_picture(tmp_path):
    spec = importlib.util.spec_from_file_location("gallery_pictures", DOCS / "gallery_pictures.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    script.main(["--method", "grx", "--out", str(tmp_path), "--size", "40", "50", "30"])
    assert [path.name for path in tmp_path.iterdir()] == ["grx.png"]
    assert drawn(tmp_path / "grx.png").shape[1] == 900


def test_the_commands_of_the_page_draw_one(tmp_path):
    make_scene(tmp_path, rows=40, cols=50, bands=30)
    run_blocks(GALLERY / "index.md", tmp_path)
    assert drawn(tmp_path / "grx.png").shape[1] > 500
