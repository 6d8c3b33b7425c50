"""Every code block of README.md and the guides runs, in order, on a small generated scene.

``<!-- not run: why -->`` before a block leaves it out; ``<!-- fails: status -->`` expects that exit status.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from pages import LANGUAGES, OTHER, blocks_of, run, run_blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """Make the scenes that the guides speak of, once."""
    from had_cli.scenes.demo import make_scene

    folder = tmp_path_factory.mktemp("scenes")
    files = make_scene(folder, rows=48, cols=64, bands=60)
    for name in ("flightline.tif", "flightline.mat", "flightline.npy"):
        done = run(["had", "convert", files.scene, name], folder)
        assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.stem != "tutorial"], ids=lambda page: page.stem
)  # the tutorial's blocks are run by test_tutorial.py, which looks at the pictures
def test_every_block_of_the_page_runs(page, scenes, tmp_path):
    for file in scenes.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    run_blocks(page, tmp_path)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_every_fence_has_a_known_language(page):
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    for token in tokens:
        if token.type == "fence" and not token.info.startswith("{"):
            assert token.info in LANGUAGES | OTHER, f"{page}:{token.map[0] + 1}"


def test_the_guides_hold_code():
    assert sum(len(blocks_of(page)) for page in PAGES) > 20
