"""``had models verify``: a byte that differs is found, and so is another outcome of the same bytes."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from had_cli.scenes.bands import BandGrid
from had_cli.weights.file import Weights, load_weights
from had_cli.weights.probe import probe_difference, probe_scene


@pytest.fixture
def kept(had, package, scene, own):
    """Return weights of ``mean`` in the user's folder."""
    assert had("train", "-m", "mean", scene, "-o", own / "first.safetensors").status == 0
    return own / "first.safetensors"


def test_sound_weights_pass(had, bundled, kept):
    ended = had("models", "verify", "mean-6", "first")
    assert ended.status == 0
    mean, first = ended.out.splitlines()
    assert mean.startswith("mean-6: sound; sha256 as it should be, output on the probe within ")
    assert first.startswith("first: sound; checksum as it should be, output on the probe within ")


def test_without_a_name_all_that_are_listed_are_verified(had, bundled, kept):
    document = json.loads(had("models", "verify", "--json").out)
    assert {model["name"] for model in document["models"]} >= {"mean-6", "first"}
    assert all(m["error"] is None and m["difference"] <= m["tolerance"] for m in document["models"])


def test_any_flipped_byte_of_bundled_weights_is_found(had, bundled):
    sound = bundled.read_bytes()
    for position in range(0, len(sound), 41):
        content = bytearray(sound)
        content[position] ^= 1
        bundled.write_bytes(content)
        assert f"{bundled}: damaged or replaced" in had("models", "verify", "mean-6").line


def test_a_flipped_byte_of_ones_own_tensors_is_found(had, kept):
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    assert had("models", "verify", "first").line == (
        f"{kept}: damaged weights (wrong checksum); copy or download them again"
    )


def test_a_changed_word_of_ones_own_header_is_found(had, kept):
    content = kept.read_bytes()
    assert content.count(rb"\"seed\": 0") == 1
    kept.write_bytes(content.replace(rb"\"seed\": 0", rb"\"seed\": 7"))
    assert "wrong checksum" in had("models", "verify", kept).line


@pytest.mark.parametrize("checksum", [{"a": []}, ["0"], 7, None], ids=str)
def test_a_checksum_that_is_something_else_is_wrong(had, kept, checksum):
    from safetensors.numpy import save_file

    header = {**load_weights(kept).header, "checksum": checksum}
    save_file(dict(load_weights(kept).tensors), kept, {"had": json.dumps(header)})
    assert "wrong checksum" in had("models", "verify", kept).line


def test_one_bad_file_does_not_hide_the_others(had, bundled, kept):
    kept.write_bytes(b"x")
    ended = had("models", "verify", "first", "mean-6")
    assert ended.status == 1
    assert "mean-6: sound" in ended.out
    assert ended.err.count("\n") == 1
    assert "not a safetensors file" in ended.err


def test_another_outcome_of_the_same_bytes_is_found(had, kept):
    weights = load_weights(kept)
    probe = {**weights.header["probe"]}
    probe["scores"] = [score * 1.01 for score in probe["scores"]]
    replace(weights, header={**weights.header, "probe": probe}).save(kept, overwrite=True)
    line = had("models", "verify", "first").line
    assert "scores of the probe differ by 0.0099 of the highest, 0.0001 is allowed" in line


def test_what_cannot_be_verified_does_not_pass(had, kept):
    from safetensors.numpy import save_file

    header = {k: v for k, v in load_weights(kept).header.items() if k != "checksum"}
    save_file(dict(load_weights(kept).tensors), kept, {"had": json.dumps(header)})
    assert "holds no checksum to verify it by" in had("models", "verify", "first").line


@pytest.mark.parametrize(
    ("probe", "message"),
    [
        ({"recipe": 99}, "of a recipe that this version of had does not know"),
        ({"recipe": 1, "scores": [1.0], "parameters": {}, "tolerance": 1e-4}, "makes no sense"),
        ({"recipe": 1, "scores": "x", "parameters": {}, "tolerance": 1e-4}, "makes no sense"),
    ],
)
def test_a_probe_that_says_nothing_is_told(had, kept, probe, message):
    weights = load_weights(kept)
    replace(weights, header={**weights.header, "probe": probe}).save(kept, overwrite=True)
    assert message in had("models", "verify", "first").line


def test_weights_of_a_method_that_is_not_installed_are_told(had, own):
    Weights(method="absent", tensors={}, header={"bands": 3}).save(own / "a.safetensors")
    assert "no output on the probe is kept" in had("models", "verify", "a").out
    probe = {"recipe": 1, "scores": [1.0], "parameters": {}, "tolerance": 1e-4}
    header = {"bands": 3, "probe": probe}
    Weights(method="absent", tensors={}, header=header).save(own / "b.safetensors")
    assert "there is no method 'absent'" in had("models", "verify", "b").line


def test_training_that_cannot_be_probed_says_so_and_keeps_the_weights(had, site, scene, tmp_path):
    from distributions import MEAN, install

    text = MEAN.replace('header={"bands": len(centre)}', "header={}")
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": text})
    ended = had("train", "-m", "mean", scene, "-o", tmp_path / "w.safetensors")
    assert ended.status == 0
    assert "warning: no probe is kept to verify these weights by: the header of these weights" in ended.err
    assert "probe" not in load_weights(tmp_path / "w.safetensors").header


def test_the_probe_is_the_same_scene_everywhere():
    cube = probe_scene(BandGrid(5)).read()
    # computed once; another value would make every probe kept so far worthless
    expected = [0.29077092, 0.37093592, 0.45091754, 0.34357715, 0.31571761]
    np.testing.assert_allclose(cube[3, 7], expected, rtol=1e-6)
    assert np.isfinite(cube).all()
    assert probe_scene(BandGrid(3, np.array([400.0, 500, 600]))).wavelengths.tolist() == [400, 500, 600]


def test_weights_without_a_probe_have_no_difference():
    assert probe_difference(Weights(method="mean", tensors={})) is None
