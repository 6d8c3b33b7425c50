"""Every page of the documentation says of which version it is."""

from __future__ import annotations

import runpy
from pathlib import Path

from had_cli import __version__

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_titles_and_pages_have_the_version_of_the_package():
    conf = runpy.run_path(str(DOCS / "conf.py"))
    assert conf["version"] == conf["release"] == __version__
    assert __version__ in conf["html_title"]
    assert conf["myst_substitutions"]["release"] == __version__
    for page in ("index.md", "reference/python.md"):
        assert "{{ release }}" in (DOCS / page).read_text(encoding="utf-8")
