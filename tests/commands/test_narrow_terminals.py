"""Help at 80 and at 40 columns: within the width, words whole, without colours where they are not wanted."""

from __future__ import annotations

import re

import pytest

from had_cli.commands import COMMANDS
from had_cli.plugin import host

# what is written as one word and is longer than a narrow column
LONG = 30


def words_of_help(method):
    """Return the words that the help of a method's options must show whole."""
    texts = [param.help for param in host.method(method).params]
    texts += [" ".join(param.choices) for param in host.method(method).params]
    return {word.strip(".,;:()") for word in " ".join(texts).split() if len(word) < LONG}


@pytest.mark.parametrize("width", [40, 60, 80, 100])
@pytest.mark.parametrize("method", ["grx", "ferd"])
def test_no_word_of_the_help_is_split(had, monkeypatch, width, method):
    monkeypatch.setenv("COLUMNS", str(width))
    shown = had("detect", "-m", method, "--help").out
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    assert "..." not in shown.replace("...\n", "").replace("{SCENE}...", "")
    # a hyphen may end a line, as in print; anything else may not be broken
    flat = re.sub(r"-\s*\n[\s│]*", "-", shown)
    whole = set(re.split(r"[\s│|,;:().]+", flat.replace(" │", " ")))
    missing = {
        word for word in words_of_help(method) if not set(re.split(r"[|,;:().]+", word)) <= whole | {""}
    }
    assert missing == set()


@pytest.mark.parametrize("width", [40, 80])
def test_the_list_of_commands_is_whole(had, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    shown = had("--help").out
    assert max(map(len, shown.splitlines())) <= width
    flat = " ".join(shown.split())
    for name, summary in COMMANDS.items():
        assert f"{name} {summary}" in flat


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_brackets_are_shown_as_they_are_typed(had, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    shown = had("bench", "--help").out
    assert "[[method]]" in shown
    assert "\\" not in shown


def test_no_color_is_honoured(had, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    colours = re.compile(r"\x1b\[[0-9;]*3[0-7]m")
    monkeypatch.delenv("NO_COLOR")
    assert colours.search(had("detect", "--help").out)
    monkeypatch.setenv("NO_COLOR", "1")
    assert not colours.search(had("detect", "--help").out)


def test_threshold_without_a_rule_lists_them_with_an_example(had):
    ended = had("threshold", "map.tif")
    assert ended.status == 2
    for rule in ("cfar:1e-3", "quantile:0.999", "value:V", "chi2:1e-3"):
        assert rule in ended.err
    assert "had threshold map.tif --rule cfar:1e-3" in ended.err
    assert len(ended.err.splitlines()) == 1
