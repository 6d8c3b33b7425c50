"""Threshold rules, panels and exporters of plugins: what is refused, and what a failing one costs."""

import json

import numpy as np
import pytest
from distributions import install, site

import had_cli
from had_cli.errors import OutputError, PluginError, UsageError
from had_cli.plugin import Exporter, Panel, PanelContent, ThresholdRule, host
from had_cli.plugin.testing import example_scene
from had_cli.report.panels import panels
from had_cli.results.exporting import export_map

__all__ = ["site"]

PLUGIN = """
    from had_cli.plugin import Exporter, Panel, PanelContent, ThresholdRule, hookimpl

    @hookimpl
    def had_thresholds():
        return [
            ThresholdRule(name=name, summary="s", meaning="a number", compute=f"had_ext:{name}", example=1)
            for name in ("top", "lost", "falls", "writes")
        ]

    def top(scores, number, tags):
        return scores[-int(number)]

    def lost(scores, number, tags):
        return float("nan")

    def falls(scores, number, tags):
        return 1 / 0

    def writes(scores, number, tags):
        scores[0] = 0

    @hookimpl
    def had_panels():
        names = ("good", "bad", "none")
        return [Panel(name=name, title=name, build=f"had_ext:panel_{name}") for name in names]

    def panel_good(scene, scores):
        return PanelContent(paragraphs=(f"</script> {scene.name}",), table=(("a",), ("1",)))

    def panel_bad(scene, scores):
        scores[0, 0] = 1

    def panel_none(scene, scores):
        return None

    @hookimpl
    def had_exporters():
        return [
            Exporter(name=name, summary="s", write=f"had_ext:export_{name}", suffixes=(".one", f".{name}"))
            for name in ("good", "bad", "none")
        ]

    def export_good(path, score_map):
        path.write_text(f"{score_map.scores.shape} {score_map.tags['had_method']}")

    def export_bad(path, score_map):
        path.write_text("half")
        raise ZeroDivisionError("of a test")

    def export_none(path, score_map):
        pass
"""


@pytest.fixture
def plugin(site):
    install(site, "had-ext", {"ext": "had_ext"}, {"had_ext": PLUGIN})
    host.forget()


@pytest.fixture
def score_map(tmp_path):
    found = had_cli.detect(example_scene(), "grx", device="cpu")
    return found.save(tmp_path / "map.tif"), found.scores


def test_a_rule_of_a_plugin_gives_the_threshold(plugin, score_map):
    path, scores = score_map
    found = had_cli.threshold(path, "top:7")
    assert found.value == np.sort(scores[np.isfinite(scores)])[-7]
    assert found.pixels == 7
    assert found.interval is None
    assert str(found.rule) == "top:7"


@pytest.mark.parametrize(
    ("rule", "said"),
    [("lost:1", "gave no number"), ("falls:1", "ZeroDivisionError"), ("writes:1", "read-only")],
)
def test_a_rule_that_fails_is_an_error_with_its_name(plugin, score_map, rule, said):
    with pytest.raises(PluginError, match=said) as raised:
        had_cli.threshold(score_map[0], rule)
    assert rule in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_an_unknown_rule_is_refused_with_those_there_are(plugin, score_map):
    with pytest.raises(UsageError, match=r"give cfar:PF, .*chi2:PF, falls:1, lost:1, top:1|top:1"):
        had_cli.threshold(score_map[0], "tops:1")
    with pytest.raises(UsageError, match="top takes a number, as in top:1"):
        had_cli.threshold(score_map[0], "top:x")


def test_a_panel_that_fails_costs_itself_alone(plugin):
    scene = example_scene()
    shown, failures = panels(scene, np.zeros(scene.shape[:2], np.float32))
    assert [panel["name"] for panel in shown] == ["good"]
    assert len(failures) == 2
    assert "panel bad failed: ValueError: assignment destination is read-only" in failures
    assert "panel none failed: TypeError: it returned NoneType, not PanelContent" in failures


def test_a_panel_s_text_stays_a_text(plugin, score_map, tmp_path):
    from had_cli.report.writing import write_scene_report

    write_scene_report(example_scene(), score_map[0], tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "</script> example" not in page
    carried = json.loads(page.partition('id="carried"')[2].partition(">")[2].partition("</script>")[0])
    assert carried["panels"][0]["paragraphs"] == ["</script> example"]
    assert any("panel bad failed" in warning for warning in carried["warnings"])


def test_an_export_is_whole_or_not_there(plugin, score_map, tmp_path):
    path, _ = score_map
    assert export_map(path, tmp_path / "out.good").name == "good"
    assert (tmp_path / "out.good").read_text() == "(40, 60) grx"
    with pytest.raises(PluginError, match="exporter bad failed: ZeroDivisionError: of a test"):
        export_map(path, tmp_path / "out.bad")
    with pytest.raises(OutputError, match="exporter none wrote nothing"):
        export_map(path, tmp_path / "out.none")
    with pytest.raises(OutputError, match="exists"):
        export_map(path, tmp_path / "out.good")
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["map.tif", "out.good"]


def test_the_suffix_chooses_the_exporter_or_the_user_does(plugin, score_map, tmp_path):
    path, _ = score_map
    with pytest.raises(
        UsageError, match=r"several exporters write \.one: good, bad, none; choose by --exporter"
    ):
        export_map(path, tmp_path / "out.one")
    assert export_map(path, tmp_path / "out.one", exporter="good").name == "good"
    with pytest.raises(UsageError, match=r"no exporter writes \.two; plugins write: \.bad, \.good"):
        export_map(path, tmp_path / "out.two")
    with pytest.raises(UsageError, match="there is no exporter best; known: good, bad, none"):
        export_map(path, tmp_path / "out.one", exporter="best")
    with pytest.raises(OutputError):
        export_map(path, path, exporter="good", overwrite=True)


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (ThresholdRule, {"name": "cfar"}, "had has a rule of that name"),
        (ThresholdRule, {"example": 9, "maximum": 5}, "example is out of its range"),
        (ThresholdRule, {"compute": "nowhere"}, "not 'package.module:attribute'"),
        (ThresholdRule, {"meaning": ""}, "meaning is empty"),
        (Panel, {"title": ""}, "has no title"),
        (Exporter, {"suffixes": ()}, "claims no suffix"),
        (Exporter, {"suffixes": ("kmz",)}, "begin with a dot"),
    ],
)
def test_nonsense_is_refused_where_it_is_declared(kind, fields, said):
    sound = {
        ThresholdRule: {"summary": "s", "meaning": "m", "compute": "m:f", "example": 1},
        Panel: {"title": "t", "build": "m:f"},
        Exporter: {"summary": "s", "write": "m:f", "suffixes": (".x",)},
    }[kind]
    with pytest.raises(ValueError, match=said):
        kind(**{"name": "one", **sound, **fields})


@pytest.mark.parametrize(
    "fields",
    [{"paragraphs": (1,)}, {"table": (("a", "b"), ("c",))}, {"picture": b"GIF89a", "caption": "c"}],
)
def test_a_panel_holds_data_that_a_page_can_show(fields):
    with pytest.raises(ValueError, match="panel"):
        PanelContent(**fields)
