"""The Processing provider in QGIS itself, headless: ``qgis_process run``, and layers in a project."""

from __future__ import annotations

import json

import numpy as np
import rasterio

DETECT, PLACES = "had:detect", "had:places"


def test_detect_and_places_run_and_end_with_status_0(qgis_process, demo, tmp_path):
    scores, places = tmp_path / "scores.tif", tmp_path / "places.geojson"
    done = qgis_process(
        "run", DETECT, "--", f"INPUT={demo / 'flightline.img'}", "METHOD=grx", f"OUTPUT={scores}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100 - done." in done.stdout  # the progress of had's own passes
    with rasterio.open(scores) as raster, rasterio.open(demo / "flightline.img") as scene:
        assert raster.tags()["had_method"] == "grx"
        assert (raster.crs, raster.transform, raster.shape) == (scene.crs, scene.transform, scene.shape)
    done = qgis_process("run", PLACES, "--", f"INPUT={scores}", "THRESHOLD=cfar:1e-3", f"OUTPUT={places}")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(places.read_text())["features"]
    assert f"{len(found)} anomalies" in done.stdout
    assert found


def test_a_background_drawn_in_qgis_gives_the_statistics(qgis_process, demo, tmp_path):
    with rasterio.open(demo / "flightline.img") as scene:
        left, top = scene.transform @ (10, 4)
        right, bottom = scene.transform @ (40, 30)
        crs = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:EPSG::{scene.crs.to_epsg()}"}}
        valid = scene.dataset_mask()[4:30, 10:40] > 0
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    field = {"type": "Polygon", "coordinates": [ring]}
    feature = {"type": "Feature", "properties": {}, "geometry": field}
    fields = tmp_path / "fields.geojson"
    fields.write_text(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature]}))
    scores = tmp_path / "scores.tif"
    words = [f"INPUT={demo / 'flightline.img'}", "METHOD=grx", f"BACKGROUND={fields}", f"OUTPUT={scores}"]
    done = qgis_process("run", DETECT, "--", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    with rasterio.open(scores) as raster:
        facts = json.loads(raster.tags()["had_facts"])
    assert 0 < facts["background_pixels"] <= valid.size
    assert facts["background_pixels"] == valid.sum()


def test_what_had_says_of_a_failure_is_what_qgis_says(qgis_process, demo, tmp_path):
    words = [f"INPUT={demo / 'flightline.img'}", "METHOD=ssf", "OPTIONS=--block-size 5"]
    done = qgis_process("run", DETECT, "--", *words, f"OUTPUT={tmp_path / 'scores.tif'}")
    assert done.returncode != 0
    assert "--block-size belongs to" in done.stdout + done.stderr
    assert not (tmp_path / "scores.tif").exists()


def test_the_toolbox_loads_map_and_places_with_their_styles(pyqgis, demo, tmp_path):
    from qgis_paths import LOADING, PLUGINS

    done = pyqgis(LOADING, PLUGINS, demo / "flightline.img", tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert 100 in told["percents"]
    layers = told["layers"]
    assert set(layers) == {"Map of scores", "Anomalies"}
    scores, places = layers["Map of scores"], layers["Anomalies"]
    assert scores["valid"]
    assert places["valid"]
    with rasterio.open(tmp_path / "scores.tif") as raster, rasterio.open(demo / "flightline.img") as scene:
        values = raster.read(1)
        assert scores["crs"] == f"EPSG:{scene.crs.to_epsg()}"
    assert scores["renderer"] == "singlebandpseudocolor"
    assert scores["colours"][0] == "#000004"
    low, high = np.nanquantile(values, [0.02, 0.999])  # QGIS estimates them from a histogram
    spread = high - low
    assert abs(scores["low"] - low) < 0.05 * spread
    assert abs(scores["high"] - high) < 0.05 * spread
    document = json.loads((tmp_path / "places.geojson").read_text())
    assert places["features"] == len(document["features"]) > 0
    assert {"rank", "area_m2", "peak_score", "nm_1"} <= set(places["fields"])
    assert places["outline"] == "#00e5ff"
