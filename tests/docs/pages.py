"""Pages of the documentation as tests see them: code blocks and the files they show."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

LANGUAGES = {"bash", "python"}
# what stands beside code: output, file contents, directives of the documentation
OTHER = {"text", "json", "toml", "ini", "math"}
_REMARK = re.compile(r"<!-- (?P<kind>not run|fails): (?P<text>.+?) -->")


_FILE = re.compile(r"<!-- file: (?P<path>\S+) -->")


@dataclass(frozen=True)
class Block:
    language: str
    code: str
    line: int
    status: int = 0
    left_out: str | None = None


def blocks_of(page: Path) -> list[Block]:
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    found, remark, file = [], None, None
    for token in tokens:
        if token.type == "html_block":
            remark, file = _REMARK.match(token.content), _FILE.match(token.content)
            continue
        if token.type == "fence" and file:  # shown, not run
            file = None
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
        remark = file = None
    return found


def files_of(page: Path) -> dict[str, str]:
    """Return path -> content of the files that a page shows, each behind ``<!-- file: PATH -->``."""
    found, path = {}, None
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "html_block":
            match = _FILE.match(token.content)
            path = match["path"] if match else None
        elif token.type == "fence" and path:
            found[path] = token.content
            path = None
    return found


def pictures_of(page: Path) -> list[str]:
    """Return the file names of the pictures that a page shows."""
    return [
        Path(place).name for place in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8"))
    ]


def run(command, folder, **environment):
    """Run a command as if the environment under test were activated."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env={**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,  # the caller knows which status is right
    )


def run_blocks(page: Path, folder: Path, **environment) -> None:
    """Run the code blocks of a page in order; each must end as the page says."""
    for block in blocks_of(page):
        if block.left_out is not None:
            continue
        command = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        done = run([*command, block.code], folder, **environment)
        assert done.returncode == block.status, f"{page.name}:{block.line}\n{done.stdout}{done.stderr}"
        if block.status:
            assert done.stderr.strip()
            assert "Traceback" not in done.stderr
