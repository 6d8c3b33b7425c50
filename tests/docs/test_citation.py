"""CITATION.cff is what citation tools read, and is of this version."""

from pathlib import Path

import yaml

from had_cli._version import __version__

ROOT = Path(__file__).resolve().parents[2]


def test_the_citation_has_the_fields_of_its_format_and_this_version():
    document = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(document)
    assert document["cff-version"] == "1.2.0"
    assert str(document["version"]) == __version__
    assert document["type"] == "software"
    assert all("name" in author for author in document["authors"])
