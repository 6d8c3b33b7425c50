"""The page of a bench in a browser."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from browser import By

from had_cli.bench.results import BenchResults, load_results
from had_cli.report import bench_page
from had_cli.report.writing import write_bench_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    from had_cli.__main__ import main
    from had_cli.scenes.demo import make_scene

    base = tmp_path_factory.mktemp("bench")
    for name, seed in (("east", 1), ("west", 2)):
        files = make_scene(base / name, rows=40, cols=48, bands=30, seed=seed)
        shutil.copy(files.truth, files.scene.with_name("flightline_gt.tif"))
    scenes = [str(base / name / "flightline.hdr") for name in ("east", "west")]
    words = [
        "bench",
        *scenes,
        "-m",
        "grx",
        "-m",
        "slrx",
        "-o",
        str(base / "compared"),
        "--no-plots",
        "--quiet",
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["had", *words])
        with pytest.raises(SystemExit) as ended:
            main()
    assert not ended.value.code
    return base / "compared"


@pytest.fixture
def page(view, folder, tmp_path):
    path = tmp_path / "bench.html"
    write_bench_report(folder, path)
    view.open(path)
    yield view
    assert view.complaints() == []
    assert set(view.requests()) == {path.as_uri()}


def test_figures_by_scene_are_those_of_the_results(page, folder):
    found = load_results(folder)
    values = found.values("auc_df")
    rows = page.all("#figures tbody tr")
    assert len(rows) == len(found.scenes) == 2
    for row in rows:
        scene, *shown = [cell.text for cell in row.find_elements(By.TAG_NAME, "td")]
        assert shown == [f"{values[scene][label]:.4f}" for label in found.labels]
        best = max(values[scene].values())
        assert row.find_element(By.TAG_NAME, "strong").text == f"{best:.4f}"
    mean = found.results["summary"]["auc_df"]["mean"]
    assert page.all("#figures tfoot tr")[0].text == f"Mean of 2 {mean['grx']:.4f} {mean['slrx']:.4f}"


def test_another_measure_can_be_chosen(page, folder):
    page.run(
        "const s = document.getElementById('measure');"
        "s.selectedIndex = [...s.options].findIndex((o) => o.text === 'AP');"
        "s.dispatchEvent(new Event('change'))"
    )
    values = load_results(folder).values("average_precision")
    assert f"{next(iter(values.values()))['grx']:.4f}" in page.text("#figures tbody")


def test_curves_of_every_scene_can_be_compared(page):
    assert len(page.all("#curves .pair svg")) == 2
    before = page["#curves .line.series-1"].get_attribute("d")
    assert page.all("#curves .line.series-2")
    page.run(
        "const s = document.getElementById('scene'); s.selectedIndex = 1;s.dispatchEvent(new Event('change'))"
    )
    page.settle()
    assert page["#curves .line.series-1"].get_attribute("d") != before
    assert "grx" in page["#curves > div > .chart-host svg"].get_attribute("aria-label")


def test_it_reflows_at_400_percent(view, folder, tmp_path):
    write_bench_report(folder, tmp_path / "b.html")
    view.size(320, 256)
    view.open(tmp_path / "b.html")
    assert view.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_failed_cells_are_told_and_leave_gaps(view, folder, tmp_path):
    found = load_results(folder)
    cell = found.results["cells"][1]
    for name in ("metrics", "separability", "pixels"):
        cell[name] = None
    cell["error"] = "<b>no memory</b>"
    del found.curves[cell["scene"]][cell["label"]]
    content = bench_page.bench_content(found, "compared")
    from had_cli.report.document import document

    (tmp_path / "f.html").write_bytes(document(content))
    view.open(tmp_path / "f.html")
    assert "failed: <b>no memory</b>" in view.text(".notice.warning")
    assert "\u2013" in view.text("#figures tbody")
    assert view.complaints() == []


def test_curves_are_thinned_out_beyond_a_bound(folder, monkeypatch):
    monkeypatch.setattr(bench_page, "MOST_POINTS", 200)
    found: BenchResults = load_results(folder)
    content = bench_page.bench_content(found, "compared")
    assert "one in" in content["reduced"][0]
    scene, label = found.scenes[0], found.labels[0]
    whole, thin = found.curves[scene][label], content["curves"][scene][label]
    assert len(thin["p_f"]) < len(whole["p_f"]) / 2
    assert thin["p_f"][-1] == thin["p_d"][-1] == 1
    assert np.isin(np.array(thin["p_d"]), np.round(whole["p_d"], 7)).all()
