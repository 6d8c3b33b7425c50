"""Weights that come with a plugin are taken without being named, and known by their hash."""

from __future__ import annotations

import hashlib
import json
import zipfile

import numpy as np
import pytest
from distributions import MEAN, install

from had_cli import detect, open_scene
from had_cli.errors import WeightsError
from had_cli.plugin import host
from had_cli.plugin.descriptions import BundledWeights, Method
from had_cli.weights.file import load_weights
from had_cli.weights.models import find_weights, known_models


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_detect_takes_them_where_none_are_given_and_says_so_in_one_line(had, bundled, scene, tmp_path):
    ended = had("detect", "-m", "mean", scene, "-o", tmp_path / "map.tif")
    assert ended.status == 0
    line = f"weights: mean-6, of had-mean 1.0; trained on line; sha256 {sha256(bundled)}"
    assert ended.err.splitlines() == [line]
    with open_scene(tmp_path / "map.tif") as written:
        tags = written.info.tags
    assert (tags["had_weights"], tags["had_weights_sha256"]) == ("mean-6", sha256(bundled))


def test_they_score_as_the_same_file_given_by_path_or_by_name(had, bundled, scene, tmp_path):
    maps = []
    for words in ([], ["-w", "mean-6"], ["-w", bundled], ["-w", "mean-6.safetensors"]):
        out = tmp_path / f"{len(maps)}.npy"
        ended = had("detect", "-m", "mean", scene, "-o", out, *words, "--json")
        assert json.loads(ended.out)["weights_sha256"] == sha256(bundled)
        maps.append(np.load(out))
    assert all(np.array_equal(maps[0], other) for other in maps)


def test_python_takes_them_too(bundled, scene):
    found = detect(np.load(scene), "mean")
    assert (found.weights, found.weights_hash) == ("mean-6", sha256(bundled))
    loaded = load_weights(bundled)
    np.testing.assert_array_equal(found.scores, detect(np.load(scene), "mean", weights=loaded).scores)


def test_weights_of_ones_own_go_first(had, bundled, scene, tmp_path):
    assert had("train", "-m", "mean", "--mode", "median", scene, "-o", tmp_path / "own").status == 0
    ended = had("detect", "-m", "mean", "-w", tmp_path / "own", scene, "-o", tmp_path / "map.npy")
    assert "weights: own; trained on line" in ended.err


@pytest.mark.parametrize("words", [[], ["-w", "mean-6"]])
def test_a_flipped_byte_is_found_before_anything_is_computed(had, bundled, scene, tmp_path, words):
    flip(bundled)
    ended = had("detect", "-m", "mean", scene, "-o", tmp_path / "map.tif", *words)
    assert f"{bundled}: damaged or replaced: sha256 " in ended.line
    assert "mean-6 comes with had-mean 1.0: install it again" in ended.line
    assert not (tmp_path / "map.tif").exists()


def test_a_missing_file_is_told_with_its_remedy(had, bundled, scene):
    bundled.unlink()
    line = had("detect", "-m", "mean", scene).line
    assert "there is no such weights file (mean-6 comes with had-mean 1.0: install it again)" in line


def test_a_package_that_cannot_be_imported_is_told(had, site, scene):
    weights = (
        'weights="required", bundled=(BundledWeights(name="mean", file="no_such.place:w", sha256="0"*64),),'
    )
    text = MEAN.replace("import Method,", "import BundledWeights, Method,").replace(
        'weights="required",', weights
    )
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": text})
    reason = "mean: plugin mean (had-mean 1.0): cannot load no_such.place: ModuleNotFoundError: No module"
    assert had("detect", "-m", "mean", scene).line.startswith(reason)
    [entry] = [model for model in known_models() if model.method == "mean"]
    assert entry.error.startswith(reason)


def test_they_are_listed_before_the_users_own(had, bundled, own):
    (own / "broken.safetensors").write_bytes(b"x")
    document = json.loads(had("models", "list", "--json").out)
    mean, broken = [m for m in document["models"] if m["name"] in {"mean-6", "broken"}]
    assert (mean["bundled"], mean["method"], mean["scenes"]) == ("had-mean 1.0", "mean", ["line"])
    assert (broken["bundled"], broken["method"]) == (None, None)
    assert "not a safetensors file" in broken["error"]


def test_a_name_that_means_two_files_is_refused(had, bundled, own, scene):
    (own / "mean-6.safetensors").write_bytes(bundled.read_bytes())
    line = had("detect", "-m", "mean", "-w", "mean-6", scene).line
    assert "weights of this name come with had-mean 1.0, and others lie at" in line
    # and without a name there is nothing to doubt
    assert had("detect", "-m", "mean", scene, "-o", "map.npy").status == 0


def test_weights_of_the_users_folder_are_taken_by_name(had, package, scene, own):
    assert had("train", "-m", "mean", scene, "-o", own / "first.safetensors").status == 0
    assert had("detect", "-m", "mean", "-w", "first", scene, "-o", "map.npy").status == 0
    assert "mean needs trained weights" in had("detect", "-m", "mean", scene).line


def test_bench_takes_them_and_names_them(had, bundled, scene, tmp_path):
    truth = np.zeros((20, 24), np.uint8)
    truth[3, 4] = 1
    np.save(tmp_path / "line_gt.npy", truth)
    (tmp_path / "c.toml").write_text('[[method]]\nname = "mean"\nlabel = "named"\nweights = "mean-6"\n')
    from had_cli.bench.configurations import configure

    by_default, named = configure(["mean"], [], tmp_path / "c.toml")
    for configuration in (by_default, named):
        document = configuration.to_json()
        assert (document["weights"], document["weights_sha256"]) == ("mean-6", sha256(bundled))


def test_weights_are_read_out_of_a_zip_archive(had, bundled, site, scene, tmp_path, monkeypatch, anew):
    archive = tmp_path / "site.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in site.rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                packed.write(file, file.relative_to(site))
    expected = sha256(bundled)
    monkeypatch.syspath_prepend(str(archive))
    anew()
    assert ".zip" in str(find_weights("mean-6").path)
    assert detect(np.load(scene), "mean").weights_hash == expected


def test_describing_them_reads_no_file(bundled):
    bundled.unlink()
    assert host.method("mean").bundled[0].name == "mean-6"


def test_plugins_tell_who_uses_weights(had, bundled):
    plugins = json.loads(had("plugins", "--json").out)["plugins"]
    [mean] = [plugin for plugin in plugins if plugin["name"] == "mean"]
    assert mean["weights"] == {"mean": {"use": "required", "bundled": ["mean-6"]}}
    [grx] = [plugin for plugin in plugins if plugin["name"] == "grx"]
    assert grx["weights"] == {"grx": {"use": "none", "bundled": []}}


GOOD = {"name": "m-1", "file": "p.bundled:m-1.safetensors", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": "M 1"}, "is not lower-case"),
        ({"file": "p/bundled/m.safetensors"}, "is not 'package:file'"),
        ({"file": "p:../m.safetensors"}, "is not 'package:file'"),
        ({"sha256": "abc"}, "is not 64 hexadecimal digits"),
    ],
)
def test_nonsense_is_refused_when_it_is_described(change, message):
    with pytest.raises(ValueError, match=message):
        BundledWeights(**{**GOOD, **change})


@pytest.mark.parametrize(
    ("use", "bundled", "message"),
    [
        ("none", (GOOD,), "it uses none"),
        ("required", (GOOD, GOOD), "of one name twice"),
        ("required", ({**GOOD, "name": "other-1"},), "does not begin with m-"),
    ],
)
def test_a_method_bundles_what_it_can_use_under_names_of_its_own(use, bundled, message):
    weights = tuple(BundledWeights(**one) for one in bundled)
    with pytest.raises(ValueError, match=message):
        Method(name="m", summary="s", paper="p", detect="a:b", weights=use, bundled=weights)


def test_loading_by_another_hash_is_refused(bundled):
    with pytest.raises(WeightsError, match="damaged or replaced"):
        load_weights(bundled, sha256="0" * 64)


@pytest.mark.parametrize("line", ["had detect -m mean -w m", "had models show m", "had models verify m"])
def test_the_shell_completes_their_names(had, bundled, own, monkeypatch, line):
    (own / "mine.safetensors").write_bytes(b"x")
    monkeypatch.setenv("_HAD_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(len(line.split()) - 1))
    assert had().out.split() == ["mean-6", "mine"]


def test_the_kit_catches_weights_that_are_not_what_was_declared(bundled):
    from had_cli.plugin.testing import MethodContract

    class Contract(MethodContract):
        method = "mean"

    Contract().test_weights_that_come_with_it_are_sound()
    flip(bundled)
    with pytest.raises(AssertionError, match="damaged or replaced"):
        Contract().test_weights_that_come_with_it_are_sound()
