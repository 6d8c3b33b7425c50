"""What the documentation repeats from the code is as the code says."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import had_cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    sys.path.insert(0, str(ROOT / "docs"))  # where the script itself would find what it imports
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_no_page_is_stale(generate):
    stale = [str(page.relative_to(ROOT)) for page, _ in generate.stale()]
    assert stale == [], "`make cli-reference` rewrites them"


def test_the_reference_covers_every_command_and_method_option(generate):
    from had_cli.commands import COMMANDS
    from had_cli.plugin import host

    text = generate.reference()
    for name in COMMANDS:
        assert f"## had {name}\n" in text
    for method in host.methods().values():
        for param in method.params:
            assert f"`{param.option}" in text


@pytest.mark.parametrize("file", ["README.md", "CHANGELOG.md"])
def test_the_version_is_told_as_it_is(file):
    assert had_cli.__version__ in (ROOT / file).read_text(encoding="utf-8")


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(links) > 5
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_every_command_has_a_manual_page_that_comes_with_the_wheel():
    import tomllib

    from had_cli.commands import COMMANDS

    there = {page.name for page in (ROOT / "docs" / "man").iterdir()}
    assert there == {"had.1", *(f"had-{name}.1" for name in COMMANDS)}
    known = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert known["shared-data"] == {"docs/man": "share/man/man1"}


def test_manual_pages_are_sound_to_the_program_that_shows_them():
    man = shutil.which("man")
    if man is None or not shutil.which("groff"):
        pytest.skip("needs man and groff")
    for page in sorted((ROOT / "docs" / "man").iterdir()):
        environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
        done = subprocess.run(
            [man, "--warnings=w", "-l", page], env=environment, capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        if done.returncode or "minimized" in done.stdout:
            pytest.skip("man shows no pages in this container")
        assert "NAME" in done.stdout
