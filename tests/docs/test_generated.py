"""What the documentation repeats from the code is as the code says."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

import had_cli

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
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
