"""``had report``: what it takes, what it writes, how it ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from had_cli.__main__ import main


@pytest.fixture
def had(tmp_path, monkeypatch, capsys):
    """Return ``had(*words)`` -> (status, standard output, standard error), in a folder with a scene."""
    rng = np.random.default_rng(7)
    cube = rng.normal(100, 5, (32, 34, 6)).astype(np.float32)
    truth = np.zeros((32, 34), np.uint8)
    cube[15, 17] += 60
    truth[15, 17] = 1
    scipy.io.savemat(tmp_path / "line.mat", {"data": cube, "map": truth})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["had", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return ended.value.code or 0, out, err

    assert run("detect", "-m", "grx", "line.mat", "-o", "grx.tif")[0] == 0
    return run


def carried(page):
    text = Path(page).read_text(encoding="utf-8")
    return json.loads(text.partition('id="carried">')[2].partition("</script>")[0])


def test_a_scene_and_its_map_become_one_page_with_the_truth_of_the_scene(had):
    status, out, _ = had("report", "line.mat", "grx.tif")
    assert status == 0
    assert out.startswith("grx_report.html: ")
    page = carried("grx_report.html")
    assert page["kind"] == "scene"
    assert page["threshold"]["explanation"].startswith("The report starts with cfar:0.001")
    assert page["roc"]["p_d"][-1] == 1
    provenance = json.dumps(page["provenance"])
    assert "line.mat" in provenance
    assert '"Method", "grx"' in provenance


def test_the_threshold_and_the_least_size_of_places_can_be_chosen(had):
    assert had("report", "line.mat", "grx.tif", "--threshold", "value:40", "--min-pixels", 2)[0] == 0
    page = carried("grx_report.html")
    assert page["threshold"]["value"] == 40
    assert page["places"]["rows"] == []


def test_json_tells_what_was_written(had):
    status, out, _ = had("report", "line.mat", "grx.tif", "-o", "page.html", "--json")
    told = json.loads(out)
    assert status == 0
    assert told == {
        "output": "page.html",
        "kind": "scene",
        "bytes": Path("page.html").stat().st_size,
        "reduced": [],
        "warnings": told["warnings"],
    }


def test_a_window_of_the_scene_goes_with_a_map_of_that_window(had):
    window = ("--window", 2, 3, 30, 28)
    assert had("detect", "-m", "grx", "line.mat", *window, "-o", "part.tif")[0] == 0
    status, _, err = had("report", "line.mat", "part.tif")
    assert status == 1
    assert "28 x 30 pixels, line.mat has 32 x 34; give the scene and window" in err
    assert not Path("part_report.html").exists()
    assert had("report", "line.mat", "part.tif", *window)[0] == 0


def test_an_existing_page_is_replaced_on_request_only(had):
    Path("grx_report.html").write_text("mine")
    status, _, err = had("report", "line.mat", "grx.tif")
    assert (status, len(err.splitlines())) == (1, 1)
    assert "--overwrite" in err
    assert Path("grx_report.html").read_text() == "mine"
    assert had("report", "line.mat", "grx.tif", "--overwrite")[0] == 0


def test_the_folder_of_a_bench_becomes_one_page(had):
    assert had("bench", "line.mat", "-m", "grx", "-o", "compared", "--no-plots")[0] == 0
    assert had("report", "compared")[0] == 0
    page = carried("compared_report.html")
    assert (page["kind"], page["labels"], page["scenes"]) == ("bench", ["grx"], ["line"])


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["line.mat"], 2, "takes a scene and its score map"),
        (["line.mat", "grx.tif", "line.mat"], 2, "takes a scene and its score map"),
        (["line.mat", "grx.tif", "--threshold", "high"], 2, "'high' is no threshold"),
        ([".", "--truth", "line.mat"], 2, "--truth is for the report of a scene"),
        (["."], 1, "holds no results.json"),
        (["line.mat", "none.tif"], 1, "none.tif: there is no such file"),
        (["line.mat", "grx.tif", "-o", "no/page.html"], 1, "there is no folder no"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(had, words, status, told):
    ended, out, err = had("report", *words)
    assert ended == status
    assert told in err
    assert "Traceback" not in err
    assert out == ""
    assert not list(Path().glob("*.html"))


def test_the_report_loads_no_torch(had):
    import subprocess

    script = (
        "import sys; sys.argv = ['had', 'report', 'line.mat', 'grx.tif']\n"
        "from had_cli.__main__ import main\n"
        "try: main()\nexcept SystemExit as e: assert not e.code\n"
        "assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
