"""``--keep-constant-bands``, and what is said without it."""

from __future__ import annotations

import json

import generate


def test_a_constant_band_is_left_out_aloud_or_kept_on_request(had, tmp_path):
    cube = generate.make_cube(dtype="f4")
    cube[..., 2] = -9999
    path = generate.write_envi(tmp_path / "scene.hdr", cube)
    ended = had("detect", "-m", "grx", path, "-o", "map.tif", "--json")
    assert "1 band is constant or without any value and is left out: 3" in ended.err
    document = json.loads(ended.out)
    assert (document["bands_used"], document["facts"]["constant_bands"]) == ("1-2,4-6", "3")
    kept = had("detect", "-m", "grx", path, "-o", "kept.tif", "--json", "--keep-constant-bands")
    assert json.loads(kept.out)["bands_used"] == "1-6"
