"""EMIT: detection on the sensor's grid, its scores on the map by the lookup table."""

import json

import h5py
import numpy as np
import pytest
import rasterio
from every_product import check_cube, check_detection, read_map, refusal
from products_made import COLS, MASK_BANDS_2, ROWS, make_emit, make_emit_mask

from had_cli import detect, open_scene
from had_cli.errors import SceneError
from had_cli.scenes.source import Window

MASKING = ("cloud", "cirrus", "water", "spacecraft", "dilated-cloud")


def on_the_map(values, glt):
    """Return rows x cols values where the lookup table puts them, pixel by pixel."""
    glt_x, glt_y = glt
    out = np.full(glt_x.shape, np.nan, np.float32)
    for row, col in np.ndindex(*glt_x.shape):
        if glt_x[row, col] != 0:
            out[row, col] = values[abs(glt_y[row, col]) - 1, abs(glt_x[row, col]) - 1]
    return out


@pytest.mark.parametrize("chunked", [False, True])
def test_cube_wavelengths_widths_and_bad_bands(tmp_path, chunked):
    made = make_emit(tmp_path, chunked=chunked)
    check_cube(made)
    with open_scene(made.path) as scene:
        info = scene.source.info
        assert info.format == "EMIT reflectance"
        assert np.array_equal(info.bad_bands, ~made.extra["good"])
        assert np.allclose(info.fwhm, 8.5)
        assert info.block == ((8, 7) if chunked else (1, COLS))
        assert scene.shape == (ROWS, COLS, 7)
        assert info.crs is None
        assert info.transform is None


def test_the_masks_beside_it_are_on_and_counted(tmp_path, had):
    made = make_emit(tmp_path)
    flags = make_emit_mask(tmp_path)
    known = json.loads(had("info", made.path, "--json").out)
    assert {mask["name"]: mask["applied"] for mask in known["quality"]} == {
        **dict.fromkeys(MASKING, True),
        "aggregate": False,
    }
    assert {mask["name"]: mask["pixels"] for mask in known["quality"]} == {
        name: int(flag.sum()) for name, flag in flags.items()
    }
    masked = np.isnan(made.cube).any(axis=2) | np.any([flags[name] for name in MASKING], axis=0)
    check_detection(made.path, masked, 7, had)
    with rasterio.open("grx.tif") as found:
        counts = json.loads(found.tags()["had_quality"])
    assert counts == {name: int(flags[name].sum()) for name in MASKING}


def test_masks_are_chosen_by_name(tmp_path, had):
    made = make_emit(tmp_path)
    flags = make_emit_mask(tmp_path, MASK_BANDS_2, version="002")
    filled = np.isnan(made.cube).any(axis=2)
    for words, names in (
        ("none", ()),
        ("cloud,cirrus", ("cloud", "cirrus")),
        ("spectf-cloud", ("spectf-cloud",)),
    ):
        done = had("detect", "-m", "grx", made.path, "-o", f"{words}.tif", "--no-ortho", "--quality", words)
        assert done.status == 0, done.err
        scores, tags = read_map(f"{words}.tif")
        assert json.loads(tags.get("had_quality", "{}")).keys() == set(names)
        assert np.array_equal(np.isnan(scores), np.any([filled, *(flags[name] for name in names)], axis=0))
    done = had("detect", "-m", "grx", made.path, "-o", "never.tif", "--quality", "fog")
    assert done.status == 1
    assert "there is no quality mask 'fog'; it has cloud, cirrus" in done.line


def test_scores_lie_on_the_map_as_the_table_says(tmp_path, had):
    made = make_emit(tmp_path)
    make_emit_mask(tmp_path)
    assert had("detect", "-m", "grx", made.path, "-o", "map.tif").status == 0
    assert had("detect", "-m", "grx", made.path, "-o", "sensor.tif", "--no-ortho").status == 0
    scores, _ = read_map("sensor.tif")
    with rasterio.open("map.tif") as ortho:
        assert np.array_equal(ortho.read(1), on_the_map(scores, made.extra["glt"]), equal_nan=True)
        assert ortho.crs.to_epsg() == 4326
        assert ortho.transform.to_gdal() == made.extra["transform"]
        assert ortho.tags()["had_ortho"] == "lookup table"
    assert scores.shape == (ROWS, COLS)


def test_a_window_takes_its_part_of_the_map(tmp_path):
    made = make_emit(tmp_path)
    window = Window(4, 6, 9, 11)
    with open_scene(made.path, window=window) as scene:
        found = detect(scene, "grx")
        whole = np.full((ROWS, COLS), np.nan, np.float32)
        whole[window.rows, window.cols] = found.scores
        table = scene.ortho
        found.save(tmp_path / "part.tif")
    expected = on_the_map(whole, made.extra["glt"])
    taken = np.zeros((ROWS, COLS))
    taken[window.rows, window.cols] = 1
    rows, cols = np.nonzero(on_the_map(taken, made.extra["glt"]) == 1)
    part = expected[rows.min() : rows.max() + 1, cols.min() : cols.max() + 1]
    with rasterio.open(tmp_path / "part.tif") as written:
        assert np.array_equal(written.read(1), part, equal_nan=True)
        x, dx, _, y, _, dy = made.extra["transform"]
        assert (written.transform.c, written.transform.f) == pytest.approx(
            (x + dx * cols.min(), y + dy * rows.min())
        )
    assert table.shape == part.shape


def test_places_are_found_on_the_map(tmp_path, had):
    made = make_emit(tmp_path)
    done = had(
        "detect", "-m", "grx", made.path, "-o", "map.tif",
        "--threshold", "quantile:0.998", "--vector", "places.geojson", "--json",
    )  # fmt: skip
    assert done.status == 0, done.err
    document = json.loads(done.out)
    place = document["places"][0]
    glt_x, glt_y = made.extra["glt"]
    assert document["ortho"] is True
    assert (glt_y[place["peak_row"], place["peak_col"]], glt_x[place["peak_row"], place["peak_col"]]) == (
        18,
        13,
    )
    assert 14 < place["lon"] < 14.02
    assert 47.98 < place["lat"] < 48
    assert place["bands"]
    assert had("quicklook", made.path, "map.tif", "-o", "look.png").status == 0
    assert had("report", made.path, "map.tif", "-o", "report.html").status == 0


def test_radiance_has_no_list_of_good_bands(tmp_path):
    made = make_emit(tmp_path, kind="RAD")
    make_emit_mask(tmp_path)
    check_cube(made)
    with open_scene(made.path) as scene:
        assert scene.source.info.format == "EMIT radiance"
        assert scene.source.info.bad_bands is None
        assert {layer.name for layer in scene.quality} == set(MASKING)


def test_without_a_mask_file_a_note_says_so(tmp_path, had):
    made = make_emit(tmp_path)
    assert "no EMIT_L2A_MASK file lies beside it" in had("info", made.path).out


def test_a_renamed_file_is_known_by_its_groups(tmp_path):
    made = make_emit(tmp_path)
    renamed = made.path.rename(tmp_path / "granule.nc")
    check_cube(made, renamed)


class TestDamage:
    @pytest.mark.parametrize(
        ("missing", "told"),
        [
            ("reflectance", "has no /reflectance"),
            ("sensor_band_parameters", "has no /sensor_band_parameters/wavelengths"),
            ("location", "has no group location"),
            ("location/glt_y", "has no /location/glt_y"),
        ],
    )
    def test_what_is_missing_is_named(self, tmp_path, had, missing, told):
        made = make_emit(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file[missing]
        assert told in refusal(had, made.path)

    def test_sizes_that_do_not_fit(self, tmp_path, had):
        made = make_emit(tmp_path)
        with h5py.File(made.path, "r+") as file:
            del file["sensor_band_parameters/wavelengths"]
            file["sensor_band_parameters/wavelengths"] = np.arange(5.0)
        assert "wavelengths has 5 values for 9 bands" in refusal(had, made.path)

    def test_a_mask_of_another_size(self, tmp_path, had):
        made = make_emit(tmp_path)
        make_emit_mask(tmp_path)
        mask = next(tmp_path.glob("EMIT_L2A_MASK*"))
        with h5py.File(mask, "r+") as file:
            values = file["mask"][:5]
            del file["mask"]
            file["mask"] = values
        assert "/mask has 5 x 20 pixels, the scene 24 x 20" in refusal(had, made.path)

    def test_a_table_that_points_outside(self, tmp_path):
        made = make_emit(tmp_path)
        with h5py.File(made.path, "r+") as file:
            file["location/glt_x"][8, 8] = 500
        with open_scene(made.path) as scene:
            found = detect(scene, "grx")
            with pytest.raises(SceneError, match="points outside the scene"):
                found.save(tmp_path / "map.tif")
        assert not (tmp_path / "map.tif").exists()

    def test_a_truncated_file(self, tmp_path, had):
        made = make_emit(tmp_path, chunked=True)
        content = made.path.read_bytes()
        made.path.write_bytes(content[: len(content) // 2])
        assert "it is damaged, download it again" in refusal(had, made.path)
