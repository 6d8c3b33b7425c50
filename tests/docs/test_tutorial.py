"""The tutorial shows what its own commands draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pages import blocks_of, pictures_of, run_blocks
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "guide" / "tutorial.md"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Run the page from top to bottom in an empty folder."""
    made = tmp_path_factory.mktemp("tutorial")
    run_blocks(PAGE, made)
    return made


@pytest.mark.parametrize("name", pictures_of(PAGE))
def test_a_picture_is_what_the_page_draws(folder, name):
    shown, drawn = (
        np.asarray(Image.open(path).convert("L"), float)
        for path in (ROOT / "docs" / "images" / name, folder / name)
    )
    # another matplotlib may set a label elsewhere by a pixel
    assert np.abs(np.subtract(shown.shape, drawn.shape)).max() <= 4, "python docs/tutorial_pictures.py"
    rows, cols = np.minimum(shown.shape, drawn.shape)
    difference = np.abs(shown[:rows, :cols] - drawn[:rows, :cols]).mean()
    assert difference < 4, "python docs/tutorial_pictures.py"


def test_no_command_of_the_tutorial_is_left_out():
    assert len(pictures_of(PAGE)) == 3
    assert [block.line for block in blocks_of(PAGE) if block.left_out is not None] == []


def test_the_tutorial_ends_with_what_it_promises(folder):
    for name in ("map.tif", "places.geojson", "report.html", "compared/results.md", "found.geojson"):
        assert (folder / name).stat().st_size > 500
