"""What a page carries: numbers in little room, and how far they may be from the files."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli.errors import OutputExistsError, SceneError
from had_cli.report import gathering
from had_cli.report.document import document
from had_cli.report.encoding import packed_bits, png, quantised, script_json
from had_cli.report.gathering import gather, peak_pixels
from had_cli.report.sizes import PAGE_BYTES, Sizes
from had_cli.report.tally import LEVELS, TAIL, tally
from had_cli.report.writing import write_scene_report
from had_cli.scenes.scene import Scene


def unpacked(carried, kind):
    return np.frombuffer(base64.b64decode(carried["data"]), kind)


def test_quantised_spectra_are_off_by_less_than_a_step():
    rng = np.random.default_rng(0)
    spectra = rng.normal(0, [1, 1000, 1e-6, 0], (50, 4)).astype(np.float32)
    spectra[7] = np.nan
    carried = quantised(spectra)
    codes = unpacked(carried, "<u2").reshape(50, 4)
    values = carried["low"] + codes * np.array(carried["step"])
    there = np.arange(50) != 7
    assert (np.abs(values - spectra)[there] <= np.ptp(spectra[there], axis=0) / 131_000 + 1e-12).all()
    assert (codes[7] == 65535).all()
    assert (codes[:7] <= 65534).all()


@pytest.mark.filterwarnings("error")
def test_spectra_of_nothing_and_of_extremes_can_be_carried():
    assert (unpacked(quantised(np.full((3, 2), np.nan, np.float32)), "<u2") == 65535).all()
    limits = np.finfo(np.float32)
    carried = quantised(np.array([[limits.min], [limits.max]], np.float32))
    assert unpacked(carried, "<u2").tolist() == [0, 65534]


def test_bits_are_packed_from_the_lowest():
    carried = packed_bits(np.array([[True, False, False], [False, True, False], [True, True, True]]))
    assert carried["shape"] == [3, 3]
    assert unpacked(carried, "u1").tolist() == [0b11010001, 1]


def test_a_picture_comes_back_as_it_was():
    from rasterio.io import MemoryFile

    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    url = png(picture)
    assert url.startswith("data:image/png;base64,")
    import warnings

    with MemoryFile(base64.b64decode(url.partition(",")[2])) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with file.open() as raster:
            np.testing.assert_array_equal(np.moveaxis(raster.read(), 0, 2), picture)


@given(st.text())
def test_any_text_stands_safely_inside_a_script(text):
    written = script_json({"name": text})
    assert not set("<>&") & set(written)
    assert json.loads(written) == {"name": text}


def test_a_file_name_that_is_no_text_does_no_harm():
    content = {"kind": "scene", "title": "line\udcff", "subtitle": "map"}
    assert b"<title>line?: map</title>" in document(content)


def test_a_tally_keeps_every_score_of_a_small_scene():
    scores = np.sort(np.random.default_rng(0).gamma(2, 1, 500).astype(np.float32))
    carried = tally(scores)
    assert carried["count"] == 500
    assert carried["rest"] == 0
    np.testing.assert_array_equal(unpacked(carried["tail"], "<f4"), scores)


def test_the_scripts_count_as_numpy_does(browser):
    """tally.js, given what tally.py packs."""
    from had_cli.report.document import _part

    rng = np.random.default_rng(0)
    scores = np.sort(rng.gamma(2, 1, TAIL + 100_000).astype(np.float32))
    thresholds = [-1.0, 0.01, 0.3, 1.0, 2.0, *scores[[-TAIL - 1, -TAIL, -TAIL + 1, -1]].tolist(), 99.0]
    browser.driver.get("about:blank")
    script = f"{_part('numbers.js')}\n{_part('tally.js')}\nconst t = new Tally(arguments[0]);"
    above = browser.run(f"{script} return arguments[1].map((x) => t.above(x));", tally(scores), thresholds)
    for threshold, (count, exact) in zip(thresholds, above, strict=True):
        true = int((scores >= np.float32(threshold)).sum())
        assert abs(count - true) <= (0 if exact else 100_000 / (LEVELS - 1) + 1), threshold
        assert exact == (true in {0, len(scores)} or threshold > scores[-TAIL])
    places = [1, 5, TAIL, TAIL + 1, len(scores) // 2, len(scores)]
    ranked = browser.run(f"{script} return arguments[1].map((x) => t.ranked(x));", tally(scores), places)
    for place, score in zip(places, ranked, strict=True):
        error = 0 if place <= TAIL else 100_000 / (LEVELS - 1)
        assert abs(int((scores > np.float32(score)).sum()) + 1 - place) <= error, place


@given(st.integers(1, 60_000), st.integers(1, 60_000), st.integers(1, 3000))
@settings(deadline=None)
def test_no_scene_is_too_large_for_a_page(rows, cols, bands):
    sizes = Sizes.fitting(rows, cols, bands)
    cells = np.prod(sizes.grid(sizes.map_step))
    spectra = np.prod(sizes.grid(sizes.spectrum_step)) * bands
    assert cells * 8 * 4 / 3 + spectra * 2 * 4 / 3 < PAGE_BYTES
    assert sizes.spectrum_step % sizes.map_step == 0
    assert bool(sizes.notes()) == (sizes.spectrum_step > 1)


def test_common_scenes_are_shown_whole():
    for shape in ((100, 100, 205), (120, 160, 120), (150, 150, 188), (64, 64, 276)):
        assert Sizes.fitting(*shape).notes() == []


@pytest.mark.parametrize("step", [1, 3, 4])
def test_the_peak_of_each_cell_is_its_highest_valid_score(step):
    rng = np.random.default_rng(step)
    scores = rng.normal(size=(13, 10))
    scores[rng.random(scores.shape) < 0.3] = np.nan
    scores[:4, :4] = np.nan
    scores[9, 9] = -np.inf
    peaks = peak_pixels(scores, step)
    cells = [(row, col) for row in range(0, 13, step) for col in range(0, 10, step)]
    assert len(peaks) == len(cells)
    for peak, (row, col) in zip(peaks, cells, strict=True):
        cell = scores[row : row + step, col : col + step]
        if np.isnan(cell).all():
            assert peak == -1
        else:
            assert row <= peak // 10 < row + step
            assert col <= peak % 10 < col + step
            assert scores.flat[peak] == np.nanmax(cell)


@pytest.mark.parametrize("strip", [1 << 30, 4000])
def test_one_pass_finds_what_the_whole_cube_holds(monkeypatch, strip):
    monkeypatch.setattr(gathering, "STRIP_BYTES", strip)
    rng = np.random.default_rng(5)
    cube = (rng.normal(0, 1, (31, 22, 7)) + 1e4).astype(np.float32)
    cube[3, 4, 2] = np.nan
    cube[20:, :9] = np.nan
    scores = rng.gamma(2, 1, (31, 22)).astype(np.float32)
    scores[~np.isfinite(cube).all(axis=2)] = np.nan
    sizes = Sizes(31, 22, 7, map_step=4, spectrum_step=8)
    found = gather(Scene.from_array(cube), scores, 3.0, sizes)
    pixels = cube[scores < 3].astype(np.float64)
    assert found.background.pixels == found.background.sampled == len(pixels)
    np.testing.assert_allclose(found.background.mean, pixels.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(found.background.deviation, pixels.std(axis=0, ddof=1), rtol=1e-9)
    np.testing.assert_allclose(found.background.high, np.percentile(pixels, 95, axis=0), rtol=1e-6)
    there = found.peaks >= 0
    np.testing.assert_array_equal(found.spectra[there], cube.reshape(-1, 7)[found.peaks[there]])
    assert np.isnan(found.spectra[~there]).all()
    valid = np.isfinite(cube).all(axis=2)
    for row, col in ((0, 0), (5, 2), (7, 5)):
        inside = valid[4 * row : 4 * row + 4, 4 * col : 4 * col + 4]
        assert (found.composite[row, col, 3] == 255) == inside.any()


def test_the_same_files_give_the_same_page(tmp_path, made):
    from had_cli.report.document import document

    assert document(made.content) == made.page.read_bytes()


def test_lines_run_through_neighbouring_bands_only(tmp_path):
    from had_cli.report.scene_page import _axis

    def stretches(centres, bands=None):
        cube = np.ones((2, 2, len(centres)))
        scene = Scene.from_array(cube, wavelengths=np.array(centres, float))
        return _axis(scene if bands is None else scene.select(bands=bands))["stretches"]

    assert stretches([400, 500, 600]) == [(0, 3)]
    assert stretches([600, 500, 400]) == [(0, 3)]
    assert stretches([400, 500, 600, 700], [0, 1, 3]) == [(0, 2), (2, 3)]
    assert stretches([400, 500, 480, 580]) == [(0, 2), (2, 4)], "spectrometers may overlap"


def test_a_map_of_another_size_is_refused_and_nothing_is_left(tmp_path):
    np.save(tmp_path / "map.npy", np.ones((4, 5), np.float32))
    scene = Scene.from_array(np.ones((5, 4, 3)), name="line.img")
    with pytest.raises(SceneError, match=r"4 x 5 pixels, line.img has 5 x 4"):
        write_scene_report(scene, tmp_path / "map.npy", tmp_path / "page.html")
    assert [file.name for file in tmp_path.iterdir()] == ["map.npy"]


def test_an_existing_page_is_kept(tmp_path, made):
    (tmp_path / "page.html").write_text("mine")
    with pytest.raises(OutputExistsError):
        write_scene_report(Scene.from_array(np.ones((5, 4, 3))), "no.npy", tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text() == "mine"


def test_scores_in_double_precision_are_told_to_be_rounded(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "map.npy", rng.gamma(2, 1, (30, 30)))
    content = write_scene_report(
        Scene.from_array(rng.normal(size=(30, 30, 3))), tmp_path / "map.npy", tmp_path / "page.html"
    )
    assert content["reduced"] == ["Scores are rounded to single precision."]


def test_the_page_holds_no_address_to_ask(made):
    text = document(made.content).decode()
    code = text.partition('<script type="application/json"')[0] + text.rpartition("<script>")[2]
    assert "https://" not in code
    assert code.replace("http://www.w3.org/2000/svg", "").count("http://") == 0
