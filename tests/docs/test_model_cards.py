"""Weights that come with ``had`` have a card each, filled in, that agrees with the file."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

from had_cli.plugin import host
from had_cli.weights.models import bundled_models, find_weights

ROOT = Path(__file__).resolve().parents[2]
CARDS = ROOT / "docs" / "models"
SECTIONS = ["What they are", "Data", "Training", "Worth on scenes not trained on", "Known weaknesses"]


def names():
    own = {m.name for p in host.plugins() if p.distribution == "had" for m in p.offer.methods}
    return [model.name for model in bundled_models() if model.method in own]


@pytest.mark.parametrize("name", names())
def test_the_card_is_there_and_filled_in(name):
    text = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert "TO BE WRITTEN" not in text
    assert find_weights(name, own=False).load().hash in text


def test_there_is_no_card_without_weights():
    assert {page.stem for page in CARDS.glob("*.md")} == {"index", *names()}


def test_the_template_has_the_sections_and_is_no_page():
    text = (CARDS / "card.md.in").read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS


@pytest.fixture
def generate():
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    sys.path.insert(0, str(ROOT / "docs"))  # where the script itself would find what it imports
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_new_weights_get_a_card_to_be_filled_in(generate, tmp_path, monkeypatch):
    from had_cli.weights.file import Weights
    from had_cli.weights.models import Model

    header = {"bands": 5, "wavelengths": None, "seed": 3, "scenes": [{"name": "line", "sha256": "ab"}]}
    saved = Weights(method="ferd", tensors={}, header=header).save(tmp_path / "ferd-5.safetensors")
    model = Model(name="ferd-5", path=tmp_path / "ferd-5.safetensors", method="ferd", bundled="had 1")
    monkeypatch.setattr(generate, "bundled_models", lambda: [model])
    monkeypatch.setattr(generate, "find_weights", lambda _name, own: model)
    pages = dict(generate.stale())
    card = pages[CARDS / "ferd-5.md"]
    for row in (f"| sha256 of the file | `{saved.hash}` |", "| scenes trained on | line |", "| seed | 3 |"):
        assert row in card
    assert "TO BE WRITTEN" in card
    index = pages[CARDS / "index.md"]
    assert "| {doc}`ferd-5` | `ferd` | 5 | line | 0.0 MB |" in index
    assert "```{toctree}\n:hidden:\n\nferd-5\n```" in index
