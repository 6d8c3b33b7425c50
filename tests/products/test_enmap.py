"""EnMAP: image, METADATA.XML and quality rasters, by either of the first two."""

import json

import numpy as np
import pytest
import rasterio
from every_product import check_cube, check_detection, refusal
from products_made import ENMAP, PLACE, make_enmap

from had_cli import open_scene

MASKING = ("cloud", "cloudshadow", "cirrus", "haze", "pixelmask")


@pytest.mark.parametrize("cog", [False, True])
def test_cube_by_the_image_and_by_the_metadata(tmp_path, cog):
    made = make_enmap(tmp_path, cog=cog)
    check_cube(made)
    check_cube(made, made.extra["metadata"])
    with open_scene(made.path) as scene:
        info = scene.source.info
        assert info.format == "EnMAP L2A"
        assert np.allclose(info.fwhm, 6 + np.arange(1, 11) / 10)
        assert np.array_equal(info.bad_bands, made.extra["bad"])
        assert rasterio.CRS.from_wkt(info.crs).to_epsg() == 32632
        assert info.transform == tuple(PLACE["transform"])[:6]
        assert info.block == (16, 16)


def test_what_is_left_out_is_said(tmp_path, had):
    said = had("info", make_enmap(tmp_path).path).out
    assert "1 bands are empty in the product and are left out" in said
    assert "2 bands of VNIR between 911.6 and 935.9 nm, where SWIR measures as well, are left out" in said


def test_masks(tmp_path, had):
    made = make_enmap(tmp_path)
    flags = made.extra["flags"]
    known = json.loads(had("info", made.path, "--json").out)
    assert {mask["name"]: (mask["pixels"], mask["applied"]) for mask in known["quality"]} == {
        name: (int(flag.sum()), name in MASKING) for name, flag in flags.items()
    }
    used = np.isnan(made.cube[..., ~made.extra["bad"]]).any(axis=2)
    masked = used | np.any([flags[name] for name in MASKING], axis=0)
    check_detection(made.path, masked, 7, had)
    with rasterio.open("grx.tif") as found:
        assert found.crs.to_epsg() == 32632
        assert json.loads(found.tags()["had_quality"]).keys() == set(MASKING)


def test_no_file_of_the_scene_is_replaced(tmp_path, had):
    made = make_enmap(tmp_path)
    before = made.path.read_bytes()
    done = had("detect", "-m", "grx", made.extra["metadata"], "-o", made.path, "--overwrite")
    assert done.status == 1
    assert "is the scene itself" in done.err
    assert made.path.read_bytes() == before


def test_without_masks_a_note_says_so(tmp_path, had):
    made = make_enmap(tmp_path)
    for mask in tmp_path.glob("*-QL_*"):
        mask.unlink()
    assert "QL_QUALITY_*.TIF lies beside it: clouds are not masked" in had("info", made.path).out


class TestDamage:
    def test_no_metadata(self, tmp_path, had):
        made = make_enmap(tmp_path)
        made.extra["metadata"].unlink()
        assert f"needs {ENMAP}-METADATA.XML beside it" in refusal(had, made.path)

    def test_no_image(self, tmp_path, had):
        made = make_enmap(tmp_path)
        made.path.unlink()
        assert "SPECTRAL_IMAGE.TIF does not lie beside it" in refusal(had, made.extra["metadata"])

    def test_a_band_without_a_wavelength(self, tmp_path, had):
        made = make_enmap(tmp_path)
        xml = made.extra["metadata"]
        xml.write_text(xml.read_text().replace("<wavelengthCenterOfBand>650.2<", "<wavelengthCenterOfBand><"))
        assert "band 2 states no wavelengthCenterOfBand" in refusal(had, made.path)

    def test_more_bands_than_the_image(self, tmp_path, had):
        made = make_enmap(tmp_path)
        xml = made.extra["metadata"]
        band = '<bandID number="11"><wavelengthCenterOfBand>2451</wavelengthCenterOfBand></bandID>'
        xml.write_text(xml.read_text().replace("</bandCharacterisation>", band + "</bandCharacterisation>"))
        assert "describes 11 bands" in refusal(had, made.path)

    def test_a_mask_of_another_size(self, tmp_path, had):
        made = make_enmap(tmp_path)
        mask = next(tmp_path.glob("*QL_QUALITY_HAZE*"))
        from products_made import write_raster

        write_raster(mask, np.zeros((3, 4), np.uint8))
        assert "the mask has 3 x 4 pixels, the scene 24 x 20" in refusal(had, made.path)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "<level_X>",
            '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><level_X>&b;</level_X>',
            '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><level_X>&f;</level_X>',
        ],
    )
    def test_metadata_that_are_no_xml_or_hostile(self, tmp_path, had, text):
        made = make_enmap(tmp_path)
        made.extra["metadata"].write_text(text)
        assert "cannot be read as XML" in refusal(had, made.path)
