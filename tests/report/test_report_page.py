"""The page of a scene in a browser: what it shows is what the files hold."""

from __future__ import annotations

import re

import numpy as np
import pytest
from browser import Keys
from made_report import EMPTY, NANOMETRES, TARGETS

from had_cli.report.sizes import PAGE_BYTES, Sizes
from had_cli.report.writing import write_scene_report
from had_cli.scenes.scene import Scene


@pytest.fixture
def page(view, made):
    view.open(made.page)
    yield view
    assert view.complaints() == []
    assert set(view.requests()) <= {made.page.as_uri()}


def test_the_page_is_whole_in_itself_and_asks_for_nothing(page, made):
    assert page.text("h1") == "strip"
    page.type_threshold(3.0)
    page.slide(Keys.ARROW_RIGHT * 5)
    page.click(20, 30)
    page["#map"].send_keys("n", "+", Keys.ARROW_DOWN)
    page["#places .go"].click()
    page["#roc summary"].click()
    assert page.complaints() == []
    assert page.requests() == [made.page.as_uri()]


def test_the_policy_of_the_page_stops_requests_and_scripts_of_others(view, made):
    view.open(made.page)
    view.run(
        "const i = new Image(); i.src = 'file:///elsewhere.png'; document.body.append(i);"
        "const s = document.createElement('script'); s.textContent = 'window.intruded = true';"
        "document.body.append(s);"
        "document.body.setAttribute('onclick', 'window.intruded = true'); document.body.click();"
    )
    view.settle()
    assert view.run("return window.intruded") is None
    assert len(view.complaints()) >= 3
    assert view.requests() == [made.page.as_uri()]


def test_the_mask_starts_as_the_rule_says(page, made):
    np.testing.assert_array_equal(page.mask(), made.scores >= np.float32(made.threshold))


@pytest.mark.parametrize("threshold", [-1.0, 0.5, 3.25, 19.0, 1e6])
def test_a_typed_threshold_redraws_mask_and_counts(page, made, threshold):
    page.type_threshold(threshold)
    mask = made.scores >= threshold
    np.testing.assert_array_equal(page.mask(), mask)
    told = page.facts("#counts")
    assert told["Flagged"].split()[0] == f"{mask.sum():,}"
    assert f"{(mask & made.truth).sum()} of {made.truth.sum()}" in told["Detected, PD"]
    background = ~made.truth & ~np.isnan(made.scores)
    assert f"{(mask & background).sum():,} of {background.sum():,}" in told["False alarms, PF"]


def test_the_slider_moves_the_mask_by_keyboard_from_all_pixels_to_none(page, made):
    page.slide(Keys.HOME)
    np.testing.assert_array_equal(page.mask(), ~np.isnan(made.scores))
    counts = []
    for _ in range(12):
        page.slide(Keys.PAGE_UP)
        counts.append(int(page.mask().sum()))
        shown = page["#threshold-value"].get_property("valueAsNumber")
        assert counts[-1] == np.count_nonzero(made.scores >= np.float32(shown))
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 0
    page.slide(Keys.ARROW_LEFT)
    assert page.mask().sum() == 1, "the last step before none is the highest pixel alone"
    assert "pixels flagged" in page["#threshold"].get_attribute("aria-valuetext")


def test_what_changed_is_announced_once_it_rests(page):
    page.slide(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.driver.execute_async_script("setTimeout(arguments[0], 600)")
    status = page["#announcement"]
    assert status.get_attribute("role") == "status"
    assert re.match(r"Threshold .+: .+ pixels flagged", status.get_property("textContent"))


def test_reset_returns_to_the_rule(page, made):
    page.type_threshold(0.1)
    page["#threshold-panel button"].click()
    page.settle()
    np.testing.assert_array_equal(page.mask(), made.scores >= np.float32(made.threshold))


def test_pixels_without_a_score_are_transparent_in_every_layer(page, made):
    for name in ("composite", "score", "mask"):
        opacity = page.layer(name)[..., 3]
        assert not opacity[EMPTY].any(), name
    assert (page.layer("score")[..., 3] == 255).sum() == np.count_nonzero(~np.isnan(made.scores))
    assert (page.layer("composite")[..., 3] == 255).sum() == np.isfinite(made.cube).all(axis=2).sum()


def test_the_opacity_of_the_score_can_be_set(page):
    page["#opacity"].send_keys(Keys.HOME)
    page.settle()
    assert page["#score"].value_of_css_property("opacity") == "0"


@pytest.mark.parametrize("at", [(20, 30), TARGETS[0], (39, 59)])
def test_a_click_shows_the_spectrum_of_that_pixel_on_the_background(page, made, at):
    page.click(*at)
    told = page.facts("#pixel")
    assert told["Pixel"] == f"row {at[0]}, column {at[1]}"
    assert float(told["Score"]) == pytest.approx(made.scores[at], rel=1e-4)
    assert told["Truth"] == ("anomalous" if made.truth[at] else "background")
    background = made.cube[made.scores < np.float32(made.threshold)].astype(np.float64)
    mean = background.mean(axis=0)
    drawn, values = page.line("#spectrum .line.background"), page.line("#spectrum .line.pixel")
    # what the chart calls up and across follows from the background's line, which is known
    up = np.polyfit(drawn[:, 1], mean, 1)
    assert np.ptp(drawn[:, 1]) > 30
    np.testing.assert_allclose(np.polyval(up, values[:, 1]), made.cube[at], atol=0.15 * abs(up[0]))
    across = np.polyfit(values[:, 0], np.delete(NANOMETRES, [15, 16, 17]), 1)
    np.testing.assert_allclose(
        np.polyval(across, values[:, 0]), np.delete(NANOMETRES, [15, 16, 17]), atol=0.2 * across[0]
    )
    assert page["#spectrum .line.pixel"].get_attribute("d").count("M") == 2, "no line across bands left out"
    spread = page.line("#spectrum .area.spread")
    deviation = background.std(axis=0, ddof=1)
    np.testing.assert_allclose(
        np.polyval(up, spread[:15, 1]), (mean + deviation)[:15], atol=0.15 * abs(up[0])
    )


def test_the_strongest_departures_are_told_in_words(page, made):
    page.click(*TARGETS[0])
    words = page.text("#departures")
    first = float(re.search(r": (\d+(\.\d+)?) nm \(\+", words)[1])
    assert NANOMETRES[8] - 1 < first < NANOMETRES[11] + 1


def test_the_spectrum_can_be_seen_in_standard_deviations(page, made):
    page.click(*TARGETS[0])
    page.all("#spectrum input[type=radio]")[1].click()
    page.settle()
    assert "standard deviations" in page.text("#spectrum svg")
    flat = page.line("#spectrum .line.background")[:, 1]
    assert np.ptp(flat) < 0.2


def test_an_empty_pixel_is_told_as_such(page):
    page.click(2, 2)
    assert page.facts("#pixel")["Score"] == "none"
    assert "no valid data" in page.text("#departures")
    assert page.all("#spectrum .line.pixel") == []


def test_the_map_is_walked_by_keyboard(page):
    page.click(10, 10)
    page["#map"].send_keys(Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert page.facts("#pixel")["Pixel"] == "row 11, column 12"
    page["#map"].send_keys(Keys.SHIFT + Keys.ARROW_DOWN)
    assert page.facts("#pixel")["Pixel"] == "row 21, column 12"
    page["#map"].send_keys(Keys.HOME, Keys.ARROW_LEFT)
    assert page.facts("#pixel")["Pixel"] == "row 21, column 0"


def test_an_enlarged_map_is_moved_by_dragging(page):
    page.click(20, 30)
    page["#map"].send_keys("+", "+", "+")
    page.settle()
    before = page.run("return document.getElementById('map').scrollLeft")
    at = page.place(20, 30)
    page.mouse("mousePressed", **at)
    page.mouse("mouseMoved", at["x"] - 60, at["y"])
    page.mouse("mouseReleased", at["x"] - 60, at["y"])
    page.settle()
    assert page.run("return document.getElementById('map').scrollLeft") == pytest.approx(before + 60, abs=1)
    assert page.facts("#pixel")["Pixel"] == "row 20, column 30", "dragging chooses nothing"


def test_every_control_is_reached_by_tab_and_has_a_name(page):
    named = page.run(
        "return [...document.querySelectorAll('button, input, select, summary, [tabindex]')].map((e) => "
        "[e.tagName, e.ariaLabel || e.textContent.trim() || "
        "[...(e.labels ?? [])].map((l) => l.textContent.trim()).join(''), e.tabIndex])"
    )
    assert len(named) > 12
    for tag, name, index in named:
        assert name, tag
        assert index == 0, (tag, name)


def test_p_d_and_p_f_of_the_threshold_stand_on_the_roc_curve(page, made):
    page.type_threshold(3.0)
    assert len(page.all("#roc svg")) == 2
    background = made.scores[~made.truth & ~np.isnan(made.scores)]
    x = float(page.all("#roc .point")[1].get_attribute("cx"))
    corners = page.line("#roc .line.chance")
    share = (x - corners[0, 0]) / (corners[1, 0] - corners[0, 0])
    assert share == pytest.approx((background >= 3).mean(), abs=2e-3)
    page["#roc summary"].click()
    auc = page.all("#roc tbody tr")[0].text
    assert auc.startswith("AUC(D,F)")


def test_the_table_of_places_sorts_and_leads_to_the_map(page, made):
    rows = made.content["places"]["rows"]
    assert {(row["peak_row"], row["peak_col"]) for row in rows} >= {(25, 40), (33, 7)}
    page.all("#places th button")[3].click()  # pixels
    assert page.all("#places th")[3].get_attribute("aria-sort") == "ascending"
    page.all("#places th button")[3].click()
    assert page.all("#places th")[3].get_attribute("aria-sort") == "descending"
    pixels = [int(row.find_elements("css selector", "td")[3].text) for row in page.all("#places tbody tr")]
    assert pixels == sorted((row["pixels"] for row in rows), reverse=True)
    first = page.all("#places tbody tr")[0]
    first.find_element("css selector", "button").click()
    page.settle()
    assert "chosen" in first.get_attribute("class")
    assert page.facts("#pixel")["Pixel"] in {"row 8, column 12", "row 8, column 13"}
    assert page.all("#chosen-mark path")


def test_places_below_the_threshold_in_use_are_marked(page, made):
    page.type_threshold(15)
    peaks = [row["peak"] for row in made.content["places"]["rows"]]
    assert len(page.all("#places tr.below")) == sum(peak < 15 for peak in peaks)
    assert page.text("#places-standing").startswith(f"{sum(peak >= 15 for peak in peaks)} of")


@pytest.mark.parametrize("width", [320, 640, 1920])
def test_nothing_scrolls_sideways_at_400_percent(view, made, width):
    view.size(width, 256 if width == 320 else 800)
    view.open(made.page)
    assert view.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    for selector in ("#threshold", "#map", "#spectrum svg", "#places table"):
        assert view[selector].is_displayed()
    assert view["#map"].size["width"] > 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_texts_have_contrast_in_both_schemes(view, made, scheme):
    view.scheme(scheme)
    view.open(made.page)
    ground = luminance(view["body"].value_of_css_property("background-color"))
    assert (ground < 0.05) == (scheme == "dark")
    for selector in (
        "h1",
        ".hint",
        "#counts dt",
        "#counts strong",
        "#places td",
        "#places th button",
        "summary",
    ):
        text = luminance(view[selector].value_of_css_property("color"))
        surface = luminance(view[".panel"].value_of_css_property("background-color"))
        light, dark = max(text, surface), min(text, surface)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, selector


def luminance(colour):
    """Return the relative luminance of a CSS colour, as the accessibility guidelines define it."""
    red, green, blue = (int(part) / 255 for part in re.findall(r"[\d.]+", colour)[:3])
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def test_without_a_background_only_the_pixel_is_drawn(view, tmp_path):
    rng = np.random.default_rng(2)
    cube = rng.normal(5, 1, (20, 20, 4)).astype(np.float32)
    scores = rng.gamma(2, 1, (20, 20)).astype(np.float32)
    scores[3, 3] = np.inf
    np.save(tmp_path / "map.npy", scores)
    write_scene_report(Scene.from_array(cube), tmp_path / "map.npy", tmp_path / "p.html", rule="value:-1")
    view.open(tmp_path / "p.html")
    view.click(4, 5)
    assert view["#spectrum .line.background"].get_attribute("d") == ""
    assert len(view.line("#spectrum .line.pixel")) == 4
    assert view.text("#departures") == "Strongest departures from the background: undefined."
    assert view.facts("#counts")["Flagged"].split()[0] == "400"
    view.click(3, 3)
    assert view.facts("#pixel")["Score"] == "\u221e"
    view.slide(Keys.END, Keys.ARROW_LEFT)
    np.testing.assert_array_equal(np.argwhere(view.mask()), [[3, 3]])
    assert view.complaints() == []


NASTY = "<img src=x onerror=document.title=1>"


def test_names_and_tags_are_shown_as_text_whatever_they_hold(view, tmp_path):
    rng = np.random.default_rng(0)
    cube = rng.normal(1, 0.1, (30, 30, 5))
    np.save(tmp_path / f"{NASTY}.npy", rng.gamma(2, 1, (30, 30)))
    scene = Scene.from_array(
        cube,
        name=f"{NASTY}.img",
        notes=("</script><script>document.title=2</script>",),
        crs=f'LOCAL_CS["{NASTY}"]',
    )
    content = write_scene_report(scene, tmp_path / f"{NASTY}.npy", tmp_path / "page.html")
    assert content["title"] == NASTY
    view.open(tmp_path / "page.html")
    assert view.text("h1") == NASTY
    assert view.driver.title.startswith(NASTY)
    assert view.all("img") == []
    assert "</script><script>document.title=2</script>" in view.text("#provenance")
    assert view.complaints() == []
    assert set(view.requests()) == {(tmp_path / "page.html").as_uri()}


def test_a_large_scene_is_reduced_says_so_and_loses_no_anomaly(view, tmp_path):
    rng = np.random.default_rng(1)
    rows, cols = 90, 131
    cube = rng.normal(1, 0.1, (rows, cols, 6)).astype(np.float32)
    scores = rng.gamma(2, 1, (rows, cols)).astype(np.float32)
    scores[77, 13] = 50
    cube[77, 13] = 3
    np.save(tmp_path / "map.npy", scores)
    sizes = Sizes(rows, cols, 6, map_step=3, spectrum_step=6)
    scene = Scene.from_array(cube, name="wide.img")
    write_scene_report(scene, tmp_path / "map.npy", tmp_path / "p.html", sizes=sizes, rule="quantile:0.99")
    view.open(tmp_path / "p.html")
    notice = view.text(".notice.reduced")
    assert "factor of 3: 30 x 44 cells" in notice
    assert "6 x 6 pixels one spectrum" in notice
    view.type_threshold(40)
    np.testing.assert_array_equal(np.argwhere(view.mask()), [[77 // 3, 13 // 3]])
    view.type_threshold(5)
    assert view.facts("#counts")["Flagged"].split()[0] == str((scores >= 5).sum()), "pixels, not cells"
    view.click(77 // 3, 13 // 3)
    told = view.facts("#pixel")
    assert told["Pixel"] == "rows 75\u201377, columns 12\u201314"
    assert told["Spectrum of"].startswith("row 77, column 13")


def test_a_page_stays_within_its_bounds_whatever_the_scene(view, tmp_path):
    rng = np.random.default_rng(1)
    rows, cols, bands = 700, 640, 24
    cube = rng.normal(1, 0.1, (rows, cols, bands)).astype(np.float32)
    np.save(tmp_path / "map.npy", rng.gamma(2, 1, (rows, cols)).astype(np.float32))
    write_scene_report(
        Scene.from_array(cube),
        tmp_path / "map.npy",
        tmp_path / "p.html",
        truth=cube[..., 0] > 1.35,
        rule="quantile:0.999",
    )
    assert (tmp_path / "p.html").stat().st_size < PAGE_BYTES
    view.open(tmp_path / "p.html")
    assert "factor of 2" in view.text(".notice.reduced")
    view.slide(Keys.HOME, Keys.ARROW_RIGHT * 60)
    assert "≈" in view.text("#counts"), "counts that are not exact say so"
    shown = int(view.text("#counts strong").replace(",", "").strip("≈ "))
    value = view["#threshold-value"].get_property("valueAsNumber")
    scores = np.load(tmp_path / "map.npy")
    assert shown == pytest.approx((scores >= value).sum(), rel=2e-3)
    assert view.complaints() == []
