"""Errors become one line and an exit status."""

import pytest

from had_cli.errors import SceneError, message

BROKEN = """
    from had_cli.plugin.descriptions import Method
    from had_cli.plugin.hooks import hookimpl

    @hookimpl
    def had_methods():
        return [Method(name="odd", summary="s", paper="p", detect="odd_module:detect")]

    def detect(run, params):
        {what}
"""


@pytest.fixture
def odd(site, had, scene):
    from distributions import install

    def run(what, *words):
        install(site, "had-odd", {"odd": "odd_module"}, {"odd_module": BROKEN.format(what=what)})
        return had("detect", "-m", "odd", scene, *words)

    return run


def test_an_unexpected_error_is_one_line_that_names_its_kind_and_asks_for_debug(odd, tmp_path):
    ended = odd("{}['missing']")
    assert ended.status == 1
    assert ended.out == ""
    assert ended.err.startswith("had: unexpected KeyError: 'missing'")
    assert "--debug" in ended.err
    assert ended.err.count("\n") == 1
    assert list((tmp_path / "here").iterdir()) == []


def test_debug_shows_the_traceback(odd):
    ended = odd("{}['missing']", "--debug")
    assert ended.status == 1
    assert "Traceback" in ended.err
    assert "odd_module.py" in ended.err


def test_an_interrupt_ends_with_130_and_leaves_nothing(odd, tmp_path):
    ended = odd("raise KeyboardInterrupt")
    assert ended.status == 130
    assert ended.err == "had: interrupted\n"
    assert list((tmp_path / "here").iterdir()) == []


def test_a_method_that_returns_nonsense_is_told(odd):
    ended = odd("return 3.0")
    assert ended.status == 1
    assert "odd" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (SceneError("a.mat: first\n  second"), "a.mat: first second"),
        (PermissionError(13, "Permission denied", "a.tif"), "a.tif: Permission denied"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (MemoryError(), "not enough memory; give less at a time with --memory or --window"),
    ],
)
def test_messages(error, line):
    assert message(error) == line
