"""DataArrays in and out: axes by name, wavelengths, georeference, Dask, and what is refused."""

import numpy as np
import pytest
import rasterio
import xarray
from generate import write_geotiff

import had_cli
from had_cli.errors import SceneError
from had_cli.formats.xarrays import scene_of
from had_cli.plugin.testing import example_cube

rioxarray = pytest.importorskip("rioxarray")

PLACE = {"crs": "EPSG:32631", "transform": rasterio.Affine(3, 0, 500000, 0, -3, 5000000)}
CUBE, TRUTH = example_cube(30, 40, 8)
SCORES = had_cli.detect(CUBE, "grx", device="cpu").scores


def labelled(dims=("y", "x", "band"), **coords):
    axes = [("y", "x", "band").index(name) for name in dims]
    return xarray.DataArray(CUBE.transpose(axes), dims=dims, coords=coords, name="reflectance")


@pytest.mark.parametrize("dims", [("y", "x", "band"), ("band", "y", "x"), ("x", "band", "y")])
def test_axes_are_told_by_their_names_and_not_by_their_order(dims):
    found = had_cli.detect(labelled(dims), "grx", device="cpu")
    np.testing.assert_allclose(found.scores, SCORES, rtol=1e-6)


@pytest.mark.parametrize(("rows", "cols", "bands"), [("lat", "lon", "wavelength"), ("line", "sample", "z")])
def test_axes_may_have_other_names(rows, cols, bands):
    array = labelled().rename({"y": rows, "x": cols, "band": bands})
    found = had_cli.detect(array, "grx", device="cpu")
    assert found.to_xarray().dims == (rows, cols)


@pytest.mark.parametrize(
    "array",
    [
        labelled().rename({"band": "lat"}),
        labelled().rename({"y": "a", "x": "b"}),
        labelled()[0],
        xarray.Dataset({"cube": labelled()}),
    ],
    ids=["two rows", "no names", "two axes", "a dataset"],
)
def test_what_is_no_scene_is_refused_in_one_line(array):
    with pytest.raises(SceneError) as raised:
        had_cli.detect(array, "grx")
    assert len(str(raised.value).splitlines()) == 1


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1), ("um", 1e-3), ("micrometers", 1e-3)])
def test_wavelengths_and_bad_bands_come_from_coordinates(unit, factor):
    centres = np.linspace(450, 900, 8)
    array = labelled().assign_coords(
        wavelength=("band", centres * factor, {"units": unit}),
        fwhm=("band", np.full(8, 10.0) * factor),
        good_wavelengths=("band", [1, 1, 0, 1, 1, 1, 1, 1]),
    )
    scene = scene_of(array)
    assert scene.shape == (30, 40, 7)
    np.testing.assert_allclose(scene.wavelengths, np.delete(centres, 2))
    np.testing.assert_allclose(scene.info.fwhm, 10)


def test_nodata_scale_and_offset_that_were_not_applied_are():
    stored = np.round(CUBE * 10000).astype(np.int16)
    stored[2, 3] = -1
    array = xarray.DataArray(
        stored, dims=("y", "x", "band"), attrs={"_FillValue": -1, "scale_factor": 1e-4, "add_offset": 0.5}
    )
    cube = scene_of(array).read()
    assert np.isnan(cube[2, 3]).all()
    np.testing.assert_allclose(cube[5, 5], stored[5, 5] * 1e-4 + 0.5, rtol=1e-6)


# rioxarray multiplies its transforms as affine will not have it one day
@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_a_raster_goes_through_rioxarray_and_back_with_its_place(tmp_path):
    from had_cli.scenes.open import open_scene

    write_geotiff(tmp_path / "scene.tif", CUBE, **PLACE)
    with open_scene(tmp_path / "scene.tif") as scene:
        expected = scene.info
    with rioxarray.open_rasterio(tmp_path / "scene.tif") as array:
        assert array.dims == ("band", "y", "x")
        found = had_cli.detect(array, "grx", device="cpu")
        part = had_cli.detect(array.isel(y=slice(5, 25), x=slice(8, 38)), "grx", device="cpu")
    assert found.scene.info.transform == pytest.approx(expected.transform)
    out = found.to_xarray()
    assert out.rio.crs == rioxarray.open_rasterio(tmp_path / "scene.tif").rio.crs
    assert tuple(out.rio.transform())[:6] == pytest.approx(expected.transform)
    assert out.attrs["had_method"] == "grx"
    np.testing.assert_array_equal(out.values, found.scores)
    a, _, c, _, e, f = expected.transform
    assert part.scene.info.transform == pytest.approx((a, 0, c + 8 * a, 0, e, f + 5 * e))
    out.rio.to_raster(tmp_path / "map.tif")
    with open_scene(tmp_path / "map.tif") as again:
        assert again.info.crs is not None
        np.testing.assert_array_equal(again.read()[..., 0], found.scores)


def test_maps_line_up_with_the_array_they_came_from():
    array = labelled(y=np.arange(30.0), x=10.0 * np.arange(40))
    window = had_cli.Window(4, 6, 20, 15)
    found = had_cli.detect(scene_of(array).select(window=window), "grx", device="cpu").to_xarray()
    np.testing.assert_array_equal(found.x, 10.0 * np.arange(4, 24))
    np.testing.assert_array_equal(found.y, np.arange(6.0, 21))
    assert (array.isel(band=0) + found).shape == (15, 20)


def test_an_array_of_dask_is_computed_by_windows():
    dask = pytest.importorskip("dask.array")
    largest = []

    def chunk(block):
        largest.append(block.size)
        return block

    lazy = dask.from_array(CUBE, chunks=(10, 40, 8)).map_blocks(chunk, dtype=CUBE.dtype, meta=CUBE[:0])
    array = xarray.DataArray(lazy, dims=("y", "x", "band"))
    scene = scene_of(array)
    assert largest == []
    scene.read(had_cli.Window(0, 0, 40, 5))
    assert largest == [10 * 40 * 8]
    found = had_cli.detect(array, "grx", device="cpu", engine="stream")
    np.testing.assert_allclose(found.scores, SCORES, rtol=1e-5)


def test_a_map_of_a_file_has_pixel_centres(tmp_path):
    write_geotiff(tmp_path / "scene.tif", CUBE, **PLACE)
    found = had_cli.detect(tmp_path / "scene.tif", "grx", device="cpu")
    a, _, c, _, e, f = found.scene.info.transform
    out = found.to_xarray()
    assert float(out.x[0]) == pytest.approx(c + a / 2)
    assert float(out.y[-1]) == pytest.approx(f + e * 29.5)


def test_the_truth_may_be_labelled_too():
    truth = xarray.DataArray(TRUTH, dims=("y", "x"))
    assert had_cli.detect(labelled(), "grx", truth=truth, device="cpu").evaluation.auc > 0.9
