"""A method's parameters are options of its own commands and of no other."""

import contextlib
import math

import pytest
from distributions import MEAN, install
from hypothesis import given
from hypothesis import strategies as st

from had_cli.commands.arguments import named_method
from had_cli.plugin.descriptions import Method, Param


@pytest.mark.parametrize(
    ("words", "method"),
    [
        ("detect -m grx a.mat", "grx"),
        ("detect -mgrx a.mat", "grx"),
        ("detect --method grx a.mat", "grx"),
        ("detect --method=grx a.mat", "grx"),
        ("detect -qm grx", "grx"),
        ("detect -qvmgrx", "grx"),
        ("detect -m grx -m slrx", "slrx"),
        ("detect a.mat", None),
        ("detect a.mat -m", None),
        ("detect -- -m grx", None),
        ("detect --mask m.tif", None),
    ],
)
def test_the_method_is_found_however_it_is_spelt(words, method):
    assert named_method(words.split()) == method


@pytest.mark.parametrize("spelling", [["-m", "grx"], ["-mgrx"], ["--method=grx"], ["-qm", "grx"]])
def test_its_options_come_with_every_spelling(had, scene, spelling):
    assert had("detect", *spelling, "--components", 3, scene).status == 0


def test_help_shows_them_in_a_panel_with_defaults_ranges_and_choices(had):
    shown = had("detect", "-m", "grx", "--help").out
    panel = shown[shown.index("Options of grx") :]
    assert "none|fixed|ledoit-wolf|oas" in panel  # on a narrow terminal in the text, where words may break
    assert "default: 0.001" in panel
    assert "(0 to 1)" in panel
    assert "(1 to 65535)" in panel
    assert "--block-size" not in shown


def test_help_without_a_method_says_how_to_see_them(had):
    shown = had("detect", "--help").out
    assert "had detect -m METHOD --help" in shown
    assert "--components" not in shown


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["detect", "-m", "grx", "--power", "3"], "--power belongs to mean, not grx"),
        (["detect", "-m", "grx", "--no-root"], "--root belongs to mean, not grx"),
        (["detect", "--power=3"], "--power belongs to mean; choose with -m mean"),
        (
            ["train", "-m", "grx", "--power", "3", "-o", "w"],
            "--power belongs to had detect -m mean, not to had train",
        ),
        (["train", "-m", "grx", "--share", "1", "-o", "w"], "--share belongs to mean, not grx"),
        (
            ["detect", "-m", "mean", "--share", "0.5"],
            "--share belongs to had train -m mean, not to had detect",
        ),
    ],
)
def test_an_option_of_another_method_or_command_says_whose_it_is(had, scene, site, words, reason):
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    ended = had(*words, scene)
    assert ended.status == 2
    assert reason in ended.err


def test_training_and_detecting_have_options_of_their_own(had, site):
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    assert "--no-root" in had("detect", "-m", "mean", "--help").out
    shown = had("train", "-m", "mean", "--help").out
    assert "Of [all] pixels." in shown, "brackets are not taken for markup"
    assert "--power" not in shown


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "slrx", "--block-size", "1"],
        ["-m", "slrx", "--block-size", "2.5"],
        ["-m", "slrx", "--block-size", "many"],
        ["-m", "grx", "--shrinkage", "some"],
        ["-m", "grx", "--shrinkage-weight", "1.001"],
        ["-m", "grx", "--shrinkage-weight", "nan"],
        ["-m", "grx", "--components"],
        ["-m", "grx", "--no-such-option"],
        ["-m", "nobody"],
        ["-m", "grx", "--engine", "steam"],
        ["-m", "grx", "--device", "gpu"],
        ["-m", "grx", "--seed", "-1"],
        ["-m", "grx", "--bands", "five"],
        ["-m", "grx", "--window", "0", "0", "x", "3"],
        ["-m", "grx", "--memory", "lots"],
    ],
)
def test_wrong_values_are_wrong_usage_and_nothing_is_written(had, scene, tmp_path, words):
    ended = had("detect", scene, *words)
    assert ended.status == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err
    assert list((tmp_path / "here").iterdir()) == []


def test_an_unknown_method_names_the_known_ones(had, scene):
    ended = had("detect", "-m", "grxx", scene)
    assert ended.status == 2
    assert ended.err.startswith("had: there is no method 'grxx', did you mean grx?")


def test_completion_offers_methods_and_their_options(had, monkeypatch):
    def complete(line):
        monkeypatch.setenv("_HAD_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(line.split(" ")) - 1))
        return had().out.split()

    assert {"grx", "slrx"} <= set(complete("had detect -m "))
    assert complete("had detect -m gr") == ["grx"]
    assert complete("had detect -m slrx --bl") == ["--block-size"]
    assert complete("had detect -m grx --bl") == []
    assert complete("had detect -m grx --shrinkage l") == ["ledoit-wolf"]
    assert complete("had det") == ["detect"]


NUMBERS = st.one_of(st.integers(-50, 50), st.floats(allow_nan=True, allow_infinity=True, width=32))


@given(kind=st.sampled_from([int, float]), low=st.integers(-20, 0), high=st.integers(1, 20), value=NUMBERS)
def test_a_number_is_accepted_exactly_within_its_range_and_of_its_type(kind, low, high, value):
    param = Param(name="x", type=kind, default=None, help="h", minimum=low, maximum=high)
    if low <= value <= high and (kind is float or isinstance(value, int)):
        assert param.check(value) == value
        assert type(param.check(value)) is kind
    else:
        with pytest.raises(ValueError, match="--x takes"):
            param.check(value)


@given(value=st.one_of(st.none(), st.booleans(), st.text(), NUMBERS, st.binary(), st.lists(st.integers())))
def test_a_value_is_returned_of_its_declared_type_or_refused(value):
    for kind in (bool, int, float, str):
        param = Param(name="x", type=kind, default=None, help="h")
        # any other exception fails the test
        with contextlib.suppress(ValueError):
            checked = param.check(value)
            assert checked is None or type(checked) is kind


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "Block"},
        {"name": "block-size"},
        {"type": list},
        {"help": ""},
        {"default": 1},
        {"default": 2.5},
        {"type": float, "default": math.nan},
        {"choices": ("a",)},
        {"type": str, "default": "c", "choices": ("a", "b"), "minimum": None},
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        Param(**{"name": "block_size", "type": int, "default": None, "help": "h", "minimum": 2, **wrong})


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "GRX"},
        {"name": "two_words"},
        {"summary": ""},
        {"detect": "no reference"},
        {"train": "module"},
        {"weights": "some"},
        {"params": ("x",)},
        {"params": (Param(name="x", type=int, default=0, help="h"),) * 2},
        {"train_params": (Param(name="x", type=int, default=0, help="h"),)},
    ],
)
def test_a_method_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"."):
        Method(**{"name": "m", "summary": "s", "paper": "p", "detect": "m:f", **wrong})
