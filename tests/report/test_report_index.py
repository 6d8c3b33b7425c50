"""One report of several scenes: an index, and each scene below it when it is chosen."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from browser import By

from had_cli.__main__ import main
from had_cli.report.sizes import INDEX_BYTES, LEAST_BYTES, PAGE_BYTES, Sizes

NAMES = ("east", "north", "west")


def make_scene(path, seed, rows):
    """Write a scene of ``rows`` x 34 x 6 with one bright pixel, which its truth marks."""
    rng = np.random.default_rng(seed)
    cube = rng.normal(100, 5, (rows, 34, 6)).astype(np.float32)
    truth = np.zeros((rows, 34), np.uint8)
    cube[15, 17] += 60
    truth[15, 17] = 1
    scipy.io.savemat(path, {"data": cube, "map": truth} if seed else {"data": cube})


@pytest.fixture
def had(tmp_path, monkeypatch, capsys):
    """Return ``had(*words)`` -> (status, output, errors) beside three scenes and their maps."""
    (tmp_path / "scenes").mkdir()
    for seed, name in enumerate(NAMES):
        make_scene(tmp_path / "scenes" / f"{name}.mat", seed, 30 + seed)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["had", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    assert run("detect", "-m", "grx", "scenes", "-o", "maps")[0] == 0
    assert run("detect", "-m", "slrx", "--block-size", 5, "scenes/west.mat", "-o", "maps/")[0] == 0
    return run


def carried(page, name="carried"):
    text = Path(page).read_text(encoding="utf-8")
    return json.loads(text.partition(f'id="{name}">')[2].partition("</script>")[0])


def test_a_folder_of_scenes_and_one_of_their_maps_become_one_page(had):
    status, out, err = had("report", "scenes", "maps")
    assert (status, err) == (0, "")
    assert out.startswith("maps_report.html: ")
    index = carried("maps_report.html")
    assert index["kind"] == "index"
    lines = [(e["scene"], e["method"], e["rows"], e["cols"], e["bands"]) for e in index["entries"]]
    assert lines == [
        ("east", "grx", 30, 34, 6),
        ("north", "grx", 31, 34, 6),
        ("west", "grx", 32, 34, 6),
        ("west", "slrx", 32, 34, 6),
    ]
    # each scene is carried as a report of its own would carry it
    assert had("report", "scenes/north.mat", "maps/north_grx.tif", "-o", "alone.html")[0] == 0
    alone, entry = carried("alone.html"), index["entries"][1]
    assert carried("maps_report.html", f"carried-{entry['number']}") == alone
    assert entry["threshold"] == alone["threshold"]["value"]
    assert entry["places"] == len(alone["places"]["rows"]) == alone["places"]["count"]
    assert entry["auc"] == float(alone["roc"]["auc"])
    assert index["entries"][0]["auc"] is None, "east has no truth"


def test_pairs_can_be_named_and_masks_and_scenes_beside_the_maps_are_passed_over(had):
    status, out, _ = had(
        "report", "scenes/east.mat", "maps/east_grx.tif", "scenes/west.mat", "maps/west_slrx.tif", "--json"
    )
    told = json.loads(out)
    assert status == 0
    assert (told["output"], told["kind"]) == ("report.html", "index")
    assert [(line["scene"], line["scores"]) for line in told["maps"]] == [
        ("east", "east_grx.tif"),
        ("west", "west_slrx.tif"),
    ]
    assert had("threshold", "maps/east_grx.tif", "--rule", "quantile:0.99", "-o", "scenes/mask.tif")[0] == 0
    assert had("detect", "-m", "grx", "scenes/east.mat", "-o", "scenes/")[0] == 0
    status, _, err = had("report", "scenes", "scenes", "-o", "beside.html")
    assert status == 0
    assert [entry["scores"] for entry in carried("beside.html")["entries"]] == ["east_grx.tif"]
    assert "1 files that are no score maps of these scenes are passed over (mask.tif)" in err


def test_the_truth_beside_a_scene_is_taken(had):
    truth = np.zeros((30, 34), np.uint8)
    truth[15, 17] = truth[0, 0] = 1
    np.save("scenes/east_gt.npy", truth)
    assert had("report", "scenes", "maps", "-o", "page.html", "-q")[0] == 0
    assert ["Truth", "2 anomalous pixels"] in carried("page.html", "carried-1")["facts"]


def test_one_scene_that_fails_leaves_a_line_and_the_others_are_shown(had):
    Path("scenes/north.mat").write_bytes(Path("scenes/west.mat").read_bytes())
    status, _, err = had("report", "scenes", "maps")
    assert status == 1
    assert "31 x 34 pixels, scenes/north.mat has 32 x 34" in err
    index = carried("maps_report.html")
    assert [entry["number"] for entry in index["entries"]] == [1, None, 2, 3]
    assert "has 32 x 34" in index["entries"][1]["error"]
    assert ["Failed", "1"] in index["facts"]


def test_nothing_is_written_where_all_fail_and_no_input_is_replaced(had):
    before = Path("maps/east_grx.tif").read_bytes()
    status, _, err = had("report", "scenes", "maps", "-o", "maps/east_grx.tif", "--overwrite")
    assert status == 1
    assert "is a score map itself" in err
    assert Path("maps/east_grx.tif").read_bytes() == before
    pair = ("scenes/east.mat", "maps/west_grx.tif")
    status, _, err = had("report", *pair, *("scenes/north.mat", "maps/east_grx.tif"), "-o", "none.html")
    assert (status, len(err.splitlines())) == (1, 1)
    assert "none.html: nothing to report; maps/west_grx.tif: the map has 32 x 34 pixels" in err
    assert not Path("none.html").exists()


def test_scenes_called_alike_in_folders_below_are_told_apart(had):
    for name, rows in (("one", 30), ("two", 31)):
        Path("deep", name).mkdir(parents=True)
        make_scene(Path("deep", name, "line.mat"), 5, rows)
    assert had("detect", "-m", "grx", "deep", "--recursive", "-o", "found")[0] == 0
    assert had("report", "deep", "found", "--recursive", "-o", "page.html", "-q")[0] == 0
    entries = carried("page.html")["entries"]
    assert [(entry["scores"], entry["rows"]) for entry in entries] == [
        ("one_line_mat_grx.tif", 30),
        ("two_line_mat_grx.tif", 31),
    ]
    Path("found/two_line_mat_grx.tif").rename("found/other.tif")
    status, _, err = had("report", "deep", "found", "--recursive", "-o", "other.html")
    assert status == 0
    assert "found/other.tif: is passed over, for several of the scenes are called line.mat" in err


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["scenes/east.mat", "maps/east_grx.tif", "--recursive"], 2, "--recursive is for a folder of scenes"),
        (["scenes", "empty"], 1, "holds no score map that had detect made of scenes"),
        (["empty", "maps"], 1, "no scene lies in this folder"),
        (["scenes", "maps", "--truth", "scenes/east.mat"], 2, "put NAME_gt.* beside NAME.*"),
        (
            ["scenes", "maps", "scenes/east.mat", "maps/east_grx.tif"],
            2,
            "is a folder; with folders, give one",
        ),
        (["a.mat", "m.tif", "b.mat", "m.tif"], 2, "m.tif is named twice"),
        (["a.mat", "a.tif", "b.mat"], 2, "several such pairs"),
    ],
)
def test_what_cannot_be_paired_is_said_in_one_line(had, words, status, told):
    Path("empty").mkdir()
    ended, out, err = had("report", *words)
    assert (ended, out) == (status, "")
    assert told in err
    assert not list(Path().glob("*.html"))


@pytest.mark.parametrize("scenes", [1, 4, 30, 500])
def test_many_scenes_share_the_page(scenes):
    room = min(PAGE_BYTES, max(LEAST_BYTES, INDEX_BYTES // scenes))
    for shape in ((100, 100, 200), (4000, 900, 425), (60_000, 600, 102)):
        sizes = Sizes.sharing(*shape, scenes=scenes)
        cells = np.prod(sizes.grid(sizes.map_step))
        spectra = np.prod(sizes.grid(sizes.spectrum_step)) * shape[2]
        assert cells * 8 * 4 / 3 + spectra * 2 * 4 / 3 < room


@pytest.fixture
def page(had, view):
    assert had("report", "scenes", "maps")[0] == 0
    path = Path("maps_report.html").absolute()
    view.driver.get("about:blank")
    view.open(path)
    yield view
    assert view.complaints() == []
    assert {url.partition("#")[0] for url in view.requests()} <= {path.as_uri()}


def rows_of(page):
    return [
        [cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in page.all("#index tbody tr")
    ]


def test_the_page_lists_the_scenes_and_shows_the_one_that_is_chosen(page):
    entries = carried("maps_report.html")["entries"]
    shown = rows_of(page)
    assert [row[:5] for row in shown[:2]] == [
        ["east", "grx", "30", "34", "6"],
        ["north", "grx", "31", "34", "6"],
    ]
    assert [row[5] for row in shown] == [str(entry["places"]) for entry in entries]
    assert [row[7] for row in shown] == ["\u2013", *(f"{entry['auc']:.4f}" for entry in entries[1:])]
    assert page.all("#map") == []
    page.all("#index tbody a")[1].click()
    page.settle()
    assert page.text(".chosen-scene .title") == "north"
    assert page.layer("score").shape[:2] == (31, 34)
    assert len(page.all("#map")) == 1
    page[".chosen-scene nav a:last-child"].click()
    page.settle()
    assert page.text(".chosen-scene .title") == "west"
    assert page.layer("score").shape[:2] == (32, 34)
    assert len(page.all("#index tbody tr.chosen")) == 1
    page.driver.back()
    page.settle()
    assert page.text(".chosen-scene .title") == "north"
    page[".chosen-scene nav a"].click()
    page.settle()
    assert page.all("#map") == []


def test_the_index_is_sorted_by_a_click_and_a_narrow_window_scrolls_down_only(page):
    page.all("#index th button")[2].click()
    page.all("#index th button")[2].click()
    assert [row[2] for row in rows_of(page)] == ["32", "32", "31", "30"]
    page.size(320, 256)
    page.all("#index tbody a")[0].click()
    page.settle()
    assert page.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
