"""The command lines of the page on GDAL, run as they stand there; and nodata of ENVI's maps elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import spectral.io.envi
from command_line import had, run_had
from pages import blocks_of

from had_cli.scenes.demo import make_scene
from had_cli.scenes.open import open_scene

__all__ = ["had"]

PAGE = Path(__file__).resolve().parents[2] / "docs" / "guide" / "gdal.md"
BLOCKS = blocks_of(PAGE)
PROGRAMS = ("gdal_translate", "gdalwarp", "gdalinfo", "gdalbuildvrt", "gdallocationinfo")


def environment():
    """Return the variables for programs of the system: they find their own files of GDAL and PROJ."""
    found = {k: v for k, v in os.environ.items() if k not in {"GDAL_DATA", "PROJ_DATA", "PROJ_LIB"}}
    return found | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def run(words, folder, *, shell=False):
    done = subprocess.run(
        ["bash", "-e", "-c", words] if shell else words,
        cwd=folder, env=environment(), capture_output=True, text=True, check=False, timeout=200,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the scene of the guides, in which the page's commands run one after another."""
    folder = tmp_path_factory.mktemp("gdal")
    make_scene(folder, rows=120, cols=140, bands=40)
    return folder


def needs_programs():
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"needs GDAL's programs: {', '.join(missing)} are not installed")


def needs_external():
    if shutil.which("gdal") is None:
        pytest.skip("needs the program gdal, which is not installed")
    version = re.search(r"GDAL (\d+)\.(\d+)", run(["gdal", "--version"], Path.cwd()))
    if version is None or (int(version[1]), int(version[2])) < (3, 13):
        pytest.skip("needs gdal 3.13, which has external steps")


def test_the_page_s_command_lines(folder):
    needs_programs()
    blocks = [block for block in BLOCKS if block.left_out == "needs GDAL's programs"]
    assert len(blocks) == 4
    said = "".join(run(block.code, folder, shell=True) for block in blocks)
    for words in ("STATISTICS_MINIMUM=", "Unit Type: 1", "Description = grx score", "NoData Value=nan"):
        assert words in said, words
    assert "CENTRAL_WAVELENGTH_UM=0.4" in said
    with open_scene(folder / "part.tif") as part, open_scene(folder / "flightline.hdr") as whole:
        assert part.shape[:2] == (80, 100)
        centres = whole.source.info.wavelengths  # of bad bands as well, which GDAL does not know
        np.testing.assert_allclose(part.wavelengths, centres, atol=0.6)
    with rasterio.open(folder / "map.tif") as plain:
        for name in ("web.tif", "map.img"):
            with rasterio.open(folder / name) as copy:
                np.testing.assert_array_equal(copy.read(), plain.read())
                assert np.isnan(copy.nodata)
        with rasterio.open(folder / "degrees.tif") as warped:
            assert warped.crs.to_epsg() == 4326
            assert np.nanmax(warped.read(1)) <= np.nanmax(plain.read(1))


def test_an_external_step(folder, had):
    needs_external()
    had("convert", folder / "flightline.hdr", folder / "copy.tif", "--overwrite")
    (block,) = (block for block in BLOCKS if block.left_out == "needs gdal 3.13")
    run(block.code, folder, shell=True)
    with rasterio.open(folder / "pipeline.tif") as raster:
        assert raster.crs.to_epsg() == 4326
        assert np.isfinite(raster.read(1)).any()


@pytest.fixture(scope="module")
def envi(tmp_path_factory):
    folder = tmp_path_factory.mktemp("envi")
    made = make_scene(folder, rows=60, cols=70, bands=20)
    ended = run_had("detect", "-m", "grx", made.scene, "-o", folder / "map.hdr")
    assert ended.status == 0, ended.err
    with open_scene(folder / "map.hdr") as scene:
        scores = scene.read()[..., 0]
    assert np.isnan(scores).any()
    return folder / "map.img", scores


class TestNodataOfEnviMaps:
    def test_the_header_says_nan(self, envi):
        path, _ = envi
        assert "data ignore value = nan" in path.with_suffix(".hdr").read_text()

    def test_gdal(self, envi):
        path, scores = envi
        with rasterio.open(path) as raster:
            assert np.isnan(raster.nodata)
            np.testing.assert_array_equal(raster.read(1, masked=True).mask, np.isnan(scores))

    def test_spectral_python(self, envi):
        path, scores = envi
        image = spectral.io.envi.open(path.with_suffix(".hdr"), path)
        assert np.isnan(float(image.metadata["data ignore value"]))
        np.testing.assert_array_equal(np.asarray(image.read_band(0)), scores)

    def test_qgis(self, envi, tmp_path):
        # Debian's script of the plain name hands on an option that the program does not know
        program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
        if program is None:
            pytest.skip("needs QGIS: qgis_process is not installed")
        path, scores = envi
        # with the system's Python, not that of the tests
        words = ["env", "-i", "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "QT_QPA_PLATFORM=offscreen"]
        words += [f"HOME={tmp_path}", f"XDG_RUNTIME_DIR={tmp_path}"]

        def results(algorithm):
            said = run(
                [*words, program, "run", algorithm, "--json", "--", f"INPUT={path}", "BAND=1"], tmp_path
            )
            return json.loads(said[said.index("{") :])["results"]

        assert results("native:rasterlayerproperties")["HAS_NODATA_VALUE"]
        found = results("native:rasterlayerstatistics")
        assert found["MIN"] == pytest.approx(float(np.nanmin(scores)), rel=1e-5)
        assert found["MAX"] == pytest.approx(float(np.nanmax(scores)), rel=1e-5)
        assert found["MEAN"] == pytest.approx(float(np.nanmean(scores)), rel=1e-4)
