"""Who gets a name is settled by rule, and who asks for one that is not there is helped."""

import pytest
from distributions import install

from had_cli.errors import PluginError, UnknownMethodError, UsageError
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method, Param
from had_cli.plugin.host.entrypoints import _by_library, entries
from had_cli.plugin.host.plugin import Plugin
from had_cli.plugin.host.reserved import reserved_option

HEAD = "from had_cli.plugin.descriptions import *\nfrom had_cli.plugin.hooks import hookimpl\n"


def plugin(*methods, extra=""):
    made = ", ".join(f'Method(name="{m}", summary="s", paper="p", detect="m:f")' for m in methods)
    return HEAD + f"@hookimpl\ndef had_methods(): return [{made}]\n" + extra


def state(name):
    return [(p.distribution, p.state, p.error) for p in host.plugins() if p.name == name]


def test_built_in_names_cannot_be_taken(site):
    install(site, "aaa", {"first": "aaa_module"}, {"aaa_module": plugin("grx", "own")})
    assert host.methods()["grx"].detect.startswith("had_grx")
    [(_, broken, error)] = state("first")
    assert broken == "broken"
    assert error.startswith("the method name grx is taken by grx (had ")
    assert "own" in host.methods(), "the free names of the same plugin can be used"


def test_between_others_the_alphabet_decides_not_the_order_of_installation(site):
    install(site, "zzz", {"z": "z_module"}, {"z_module": plugin("same")})
    install(site, "mmm", {"m": "m_module"}, {"m_module": plugin("same")})
    assert state("m")[0][1] == "ok"
    assert "the method name same is taken by m (mmm 1.0)" in state("z")[0][2]


def test_two_plugins_cannot_bear_one_name(site):
    install(site, "bbb", {"twin": "b_module"}, {"b_module": plugin("b")})
    install(site, "ccc", {"twin": "c_module"}, {"c_module": plugin("c")})
    assert [s[:2] for s in state("twin")] == [("bbb", "ok"), ("ccc", "broken")]
    assert "the plugin name twin is taken by twin (bbb 1.0)" in state("twin")[1][2]
    assert "c" not in host.methods()


@pytest.mark.parametrize("kind", ["reader", "writer", "metric"])
def test_readers_writers_and_metrics_collide_as_methods_do(site, kind):
    made = {
        "reader": 'Reader(name="envi", summary="s", open="m:f", suffixes=(".xyz",))',
        "writer": 'Writer(name="envi", summary="s", create="m:f", suffixes=(".xyz",))',
        "metric": 'Metric(name="auc_df", summary="s", compute="m:f", formula="f", best=1)',
    }[kind]
    install(
        site,
        "had-x",
        {"x": "x_module"},
        {"x_module": HEAD + f"@hookimpl\ndef had_{kind}s(): return [{made}]"},
    )
    assert f"the {kind} name {'auc_df' if kind == 'metric' else 'envi'} is taken by" in state("x")[0][2]


def test_a_disabled_plugin_is_not_even_imported(site, monkeypatch):
    install(site, "had-x", {"x": "x_module"}, {"x_module": "raise SystemExit"})
    monkeypatch.setenv("HAD_DISABLE_PLUGINS", " x , slrx,nobody,")
    assert state("x") == [("had-x", "disabled", None)]
    assert "slrx" not in host.methods()
    assert host.registry().unknown_disabled == ["nobody"]
    with pytest.raises(PluginError, match="HAD_DISABLE_PLUGINS disables plugin slrx") as caught:
        host.method("slrx")
    assert not isinstance(caught.value, UsageError)


def test_an_unknown_method_is_wrong_usage_and_the_nearest_is_suggested():
    with pytest.raises(
        UnknownMethodError, match=r"no method 'grxx', did you mean grx\? known: .*grx, .*slrx"
    ):
        host.method("grxx")
    with pytest.raises(UsageError, match="no method 'completely-else'; known: "):
        host.method("completely-else")


def test_a_method_of_a_broken_plugin_is_told_with_the_reason(site):
    install(site, "had-ace", {"spectra": "had_ace"}, {"had_ace": "import absent_thing"})
    with pytest.raises(
        PluginError, match=r"no method ace: plugin spectra \(had-ace 1.0\) is broken: ModuleNotFound"
    ):
        host.method("ace")


def test_a_method_is_known_to_be_of_a_broken_plugin_by_what_it_declared(site):
    text = (
        HEAD
        + "@hookimpl\ndef had_methods(): return [Method(name='cem', summary='s', paper='p', detect='m:f'), 3]"
    )
    install(site, "had-x", {"x": "x_module"}, {"x_module": text})
    with pytest.raises(PluginError, match="no method cem: plugin x"):
        host.method("cem")
    with pytest.raises(UnknownMethodError):
        host.method("x")


@pytest.mark.parametrize("name", ["window", "no_window", "help", "progress", "memory"])
def test_options_of_had_itself_cannot_be_redeclared(name):
    param = Param(name=name, type=int, default=0, help="h")
    method = Method(name="m", summary="s", paper="p", detect="m:f", params=(param,))
    assert reserved_option(method) == param.option


def test_a_switch_and_its_negation_cannot_be_two_parameters():
    pair = tuple(Param(name=n, type=bool, default=False, help="h") for n in ("white", "no_white"))
    assert (
        reserved_option(Method(name="m", summary="s", paper="p", detect="m:f", params=pair)) == "--no-white"
    )


def test_the_first_distribution_of_a_name_on_the_path_counts(site, tmp_path, monkeypatch):
    install(site, "had-x", {"x": "x_module"}, version="1.0")
    later = tmp_path / "later"
    install(later, "had-x", {"x": "other"}, version="2.0")
    monkeypatch.setattr("sys.path", [*__import__("sys").path, str(later)])
    assert [(e.value, e.version) for e in entries("had.plugins") if e.name == "x"] == [("x_module", "1.0")]


def test_entry_points_are_those_of_the_standard_library(site):
    install(site, "had-x", {"x": "x_module", "y": "y_module:z [extra]"}, version="1.0")
    (site / "had_bare-1.0.dist-info").mkdir()
    assert sorted(entries("had.plugins")) == sorted(_by_library("had.plugins"))


def test_distributions_in_an_archive_are_found_by_the_standard_library(site, tmp_path, monkeypatch):
    import shutil

    install(tmp_path / "zipped", "had-x", {"x": "x_module"}, {"x_module": plugin("zip")})
    archive = shutil.make_archive(str(tmp_path / "plugin"), "zip", tmp_path / "zipped")
    monkeypatch.syspath_prepend(archive)
    assert state("x") == [("had-x", "ok", None)]
    assert "zip" in host.methods()


def test_a_distribution_without_metadata_is_named_by_its_folder(site):
    install(site, "had-x", {"x": "x_module"}, {"x_module": plugin("x")}, version="3.1")
    (site / "had_x-3.1.dist-info" / "METADATA").unlink()
    assert state("x") == [("had_x", "ok", None)]


def test_a_plugin_tells_whether_a_method_may_be_its():
    broken = Plugin(
        name="a", state="broken", distribution="d", version="1", module="had_two_words:x", error="e"
    )
    assert broken.might_offer("two-words")
    assert broken.might_offer("a")
    assert not broken.might_offer("grx")
