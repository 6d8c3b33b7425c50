"""The kit finds every planted fault, and says which rule is broken and where it is explained."""

import inspect
import re
from pathlib import Path

import pytest
from distributions import install, site
from planted import CODE, FAULTS, HEAVY, METHODS

from had_cli.plugin.testing import MethodContract
from had_cli.plugin.testing.rules import PAGE, RULES, keeping

__all__ = ["site"]
ROOT = Path(__file__).resolve().parents[2]

# the tests of the kit by the rule that they hold, with what they are called with
TESTS = {
    "light": [("test_describing_it_imports_nothing_heavy", ())],
    "whole-map": [("test_the_map_has_the_scene_s_shape_and_is_single_precision", ())],
    "every-valid-pixel": [("test_scores_are_finite_exactly_where_pixels_are_valid", (40, 60))],
    "nameless": [("test_the_name_and_the_place_of_a_scene_do_not_matter", ("tmp_path",))],
    "same-seed": [
        ("test_the_same_seed_gives_the_same_bytes", ()),
        ("test_the_same_seed_gives_the_same_bytes_in_another_process", ()),
    ],
    "no-memory": [("test_nothing_is_kept_from_one_scene_to_the_next", ())],
    "read-only": [
        ("test_the_scene_is_left_as_it_was", ()),
        ("test_blocks_are_left_as_they_were_invalid_pixels_too", ()),
    ],
    "no-seams": [
        ("test_a_streamed_scene_scores_as_one_in_memory", (211,)),
        ("test_the_order_of_blocks_does_not_matter", ()),
    ],
}


@pytest.fixture
def planted(site, monkeypatch):
    """Install the plugins with the faults.

    With CI set pytest shows both sides of a failed comparison in full: hours, for the pixels of a block.
    """
    monkeypatch.setenv("CI", "true")
    entry_points = {"planted": "had_planted", "heavy": "had_planted_heavy"}
    modules = {"had_planted": METHODS, "had_planted_heavy": HEAVY, "had_planted_code": CODE}
    install(site, "had-planted", entry_points, modules)


def kit(name):
    class Contract(MethodContract):
        method = f"planted-{name}"

    return Contract()


def failures(name, rule, tmp_path):
    """Return what the kit's tests of ``rule`` say of a method."""
    found = []
    for test, words in TESTS[rule]:
        try:
            getattr(kit(name), test)(*(tmp_path if word == "tmp_path" else word for word in words))
        except AssertionError as error:
            found.append(str(error))
    return found


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_and_its_rule_named(fault, planted, tmp_path):
    rule = FAULTS[fault]
    found = failures(fault, rule, tmp_path)
    assert found, f"{fault} is not found"
    for message in found:
        assert message.startswith(f"rule {rule}: {RULES[rule]} (see {PAGE}#{rule})\n"), message
        assert len(message.splitlines()) > 1


@pytest.mark.parametrize("rule", TESTS)
def test_a_sound_method_breaks_no_rule(rule, planted, tmp_path):
    assert failures("sound", rule, tmp_path) == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("gaps", "NaN to 1 of"),
        ("heavy", "imports numpy, torch"),
        ("seed-of-hash", "two processes with one seed"),
        ("keeps-state-by-shape", "a second scene of the same size"),
        ("writes-invalid", "Filling writes into the pixels that it is given"),
        ("by-name", "urban-1.npy"),
    ],
)
def test_the_message_says_what_is_wrong(fault, words, planted, tmp_path):
    assert any(words in message for message in failures(fault, FAULTS[fault], tmp_path))


def test_every_rule_is_explained_on_its_page():
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    for name, rule in RULES.items():
        assert f"\n### {name}\n" in page, name
        section = page.partition(f"\n### {name}\n")[2].partition("\n### ")[0]
        assert rule.lower() in " ".join(section.lower().split()), name


def test_every_test_of_the_kit_names_its_rule():
    for name, test in inspect.getmembers(MethodContract, inspect.isfunction):
        if name.startswith("test_"):
            rules = re.findall(r'keeping\("([\w-]+)"\)', inspect.getsource(test))
            assert rules, name
            assert set(rules) <= set(RULES), name


def test_an_error_of_the_method_is_told_by_its_kind():
    with (
        pytest.raises(AssertionError, match=r"rule blind: .*\nZeroDivisionError: of a test"),
        keeping("blind"),
    ):
        raise ZeroDivisionError("of a test")
