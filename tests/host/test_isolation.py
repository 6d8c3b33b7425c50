"""Whatever a plugin does wrong is told about that plugin alone, and the rest works."""

import sys

import pytest
from distributions import install, install_broken

from had_cli.errors import PluginError
from had_cli.plugin import host

HEAD = "from had_cli.plugin import Method, Metric, Param, Reader, hookimpl\n"
ONE = 'Method(name="one", summary="s", paper="p", detect="m:f")'

BROKEN = {
    "import error": (
        "import nothing_of_this_name",
        "ModuleNotFoundError: No module named 'nothing_of_this_name'",
    ),
    "syntax error": ("def (", "SyntaxError"),
    "any error at import": ("1 / 0", "ZeroDivisionError: division by zero"),
    "an error of many lines": ("raise RuntimeError('one\\ntwo')", "RuntimeError: one two"),
    "exit at import": ("import sys\nsys.exit('bye')", "SystemExit: bye"),
    "no hooks": ("x = 1", "implements no hook; had knows had_methods"),
    "unmarked hook": ("def had_methods(): return []", "had_methods is not marked with @hookimpl"),
    "unknown hook": (HEAD + "@hookimpl\ndef had_colours(): return []", "unknown hook 'had_colours'"),
    "hook with arguments": (HEAD + "@hookimpl\ndef had_methods(scene): return []", "{'scene'} are declared"),
    "hook raises": (HEAD + "@hookimpl\ndef had_methods(): raise KeyError('x')", "KeyError: 'x'"),
    "hook returns a text": (
        HEAD + "@hookimpl\ndef had_methods(): return 'one'",
        "returned str 'one', not a list of Method",
    ),
    "hook returns a generator": (
        HEAD + "@hookimpl\ndef had_methods(): yield 1",
        "returned generator, not a list",
    ),
    "hook returns texts": (
        HEAD + "@hookimpl\ndef had_methods(): return ['one']",
        "a list with str 'one', not Method",
    ),
    "wrong kind": (HEAD + f"@hookimpl\ndef had_metrics(): return [{ONE}]", "a list with Method, not Metric"),
    "bad description": (
        HEAD
        + "@hookimpl\ndef had_methods(): return [Method(name='One', summary='s', paper='p', detect='m:f')]",
        "ValueError: method name 'One' is not lower-case",
    ),
    "twice the same": (HEAD + f"@hookimpl\ndef had_methods(): return [{ONE}, {ONE}]", "declares one twice"),
    "another contract": (
        HEAD + f"HAD_CONTRACT = (99, 0)\n@hookimpl\ndef had_methods(): return [{ONE}]",
        "it is written for plugin contract 99.0, this had has 1.0: update had",
    ),
    "reserved option": (
        HEAD
        + "@hookimpl\ndef had_methods(): return [Method(name='one', summary='s', paper='p', detect='m:f',"
        + "params=(Param(name='seed', type=int, default=0, help='h'),))]",
        "--seed is an option of had itself",
    ),
}


def only(name):
    [plugin] = [p for p in host.plugins() if p.name == name]
    return plugin


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_plugin_is_shown_with_its_reason_in_one_line(site, case):
    text, reason = BROKEN[case]
    install(site, "had-odd", {"odd": "odd_module"}, {"odd_module": text}, version="4.2")
    plugin = only("odd")
    assert (plugin.state, plugin.distribution, plugin.version) == ("broken", "had-odd", "4.2")
    assert reason in plugin.error
    assert "\n" not in plugin.error
    assert {"grx", "slrx"} <= set(host.methods())
    assert "one" not in host.methods()


def test_a_sound_plugin_is_listed_with_what_it_offers(site):
    install(
        site,
        "had-one",
        {"one": "one_module"},
        {"one_module": HEAD + f"@hookimpl\ndef had_methods(): return [{ONE}]"},
    )
    plugin = only("one")
    assert (plugin.state, plugin.error, plugin.offer.hooks) == ("ok", None, ("had_methods",))
    assert host.methods()["one"] == plugin.offer.methods[0]
    assert plugin.to_json()["methods"] == ["one"]


def test_the_entry_point_may_name_an_object_of_a_module(site):
    text = (
        HEAD + f"class Plugin:\n    @hookimpl\n    def had_methods(self): return [{ONE}]\nplugin = Plugin()"
    )
    install(site, "had-one", {"one": "one_module:plugin"}, {"one_module": text})
    assert only("one").state == "ok"


@pytest.mark.parametrize("value", ["", "one_module:absent", "one module"])
def test_an_entry_point_that_leads_nowhere_is_a_broken_plugin(site, value):
    install(site, "had-one", {"one": value}, {"one_module": ""})
    assert only("one").state == "broken"


def test_what_a_plugin_prints_at_import_does_not_reach_standard_output(site, capsys):
    install(site, "had-loud", {"loud": "loud_module"}, {"loud_module": "print('hello')"})
    host.plugins()
    assert capsys.readouterr().out == ""


def test_interrupting_the_import_of_a_plugin_interrupts(site):
    install(site, "had-slow", {"slow": "slow_module"}, {"slow_module": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        host.plugins()


def test_the_broken_examples_break_as_they_say(site):
    install_broken(site)
    assert "No module named 'a_package_that_nobody_has'" in only("absent").error
    assert "not Method" in only("texts").error
    assert "the method name grx is taken by grx (had " in only("grx2").error


def test_plugins_are_imported_once_and_only_when_asked_for(site):
    text = HEAD + f"@hookimpl\ndef had_methods(): return [{ONE}]"
    install(site, "had-one", {"one": "one_module"}, {"one_module": text})
    assert "one_module" not in sys.modules
    assert host.registry() is host.registry()
    assert "one_module" in sys.modules


def test_a_reference_that_cannot_be_imported_is_told_with_its_plugin(site):
    text = (
        HEAD
        + "@hookimpl\ndef had_methods(): return ["
        + "Method(name='one', summary='s', paper='p', detect='one_module:f')]"
    )
    install(site, "had-one", {"one": "one_module"}, {"one_module": text})
    with pytest.raises(
        PluginError, match=r"plugin one \(had-one 1.0\): cannot load one_module:f: AttributeError"
    ):
        host.resolve("one_module:f")


def test_a_reference_is_imported_when_used():
    assert host.resolve("math:sqrt")(9) == 3
