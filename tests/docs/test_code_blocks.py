"""Every code block of README.md and the guides runs, in order, on a small generated scene.

``<!-- not run: why -->`` before a block leaves it out; ``<!-- fails: status -->`` expects that exit status.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "guide").glob("*.md"))]
LANGUAGES = {"bash", "python"}
# what stands beside code: output, file contents, directives of the documentation
OTHER = {"text", "json", "toml", "ini", "math"}
_REMARK = re.compile(r"<!-- (?P<kind>not run|fails): (?P<text>.+?) -->")


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    line: int
    status: int = 0
    left_out: str | None = None


def blocks_of(page: Path) -> list[Block]:
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    found, remark = [], None
    for token in tokens:
        if token.type == "html_block":
            remark = _REMARK.match(token.content)
            continue
        if token.type == "fence" and token.info in LANGUAGES:
            kind, text = (remark["kind"], remark["text"]) if remark else (None, "")
            found.append(
                Block(
                    token.info,
                    token.content,
                    token.map[0] + 1,
                    status=int(text) if kind == "fails" else 0,
                    left_out=text if kind == "not run" else None,
                )
            )
        remark = None
    return found


@pytest.fixture(scope="session")
def scenes(tmp_path_factory):
    """Make the scenes that the guides speak of, once."""
    from had_cli.demo import make_scene

    folder = tmp_path_factory.mktemp("scenes")
    files = make_scene(folder, rows=48, cols=64, bands=60)
    for name in ("flightline.tif", "flightline.mat", "flightline.npy"):
        done = run(["had", "convert", files.scene, name], folder)
        assert done.returncode == 0, done.stderr
    return folder


def run(command, folder):
    # the environment under test comes first, as if it were activated
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,  # the caller knows which status is right
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_block_of_the_page_runs(page, scenes, tmp_path):
    for file in scenes.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for block in blocks_of(page):
        if block.left_out is not None:
            continue
        command = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        done = run([*command, block.code], tmp_path)
        assert done.returncode == block.status, f"{page.name}:{block.line}\n{done.stdout}{done.stderr}"
        if block.status:
            assert "Traceback" not in done.stderr
            assert len(done.stderr.strip().splitlines()) >= 1


@pytest.mark.parametrize("page", sorted((ROOT / "docs").rglob("*.md")), ids=lambda page: page.stem)
def test_every_fence_has_a_known_language(page):
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    for token in tokens:
        if token.type == "fence" and not token.info.startswith("{"):
            assert token.info in LANGUAGES | OTHER, f"{page}:{token.map[0] + 1}"


def test_the_guides_hold_code():
    assert sum(len(blocks_of(page)) for page in PAGES) > 20
