"""``had plugins bundle``: one command from trained weights to weights that come with the method."""

from __future__ import annotations

import json
import runpy

from had_cli.weights.file import load_weights


def names(package):
    return [entry.name for entry in runpy.run_path(str(package / "bundled" / "__init__.py"))["BUNDLED"]]


def test_what_is_bundled_keeps_its_history_and_gets_a_probe(bundled, tmp_path):
    trained, kept = load_weights(tmp_path / "trained.safetensors"), load_weights(bundled)
    assert kept.header["scenes"] == trained.header["scenes"]
    assert len(kept.header["probe"]["scores"]) > 30
    assert (kept.tensors["centre"] == trained.tensors["centre"]).all()


def test_the_first_bundled_stays_the_default_unless_another_is_made_it(had, bundled, package, tmp_path, anew):
    trained = tmp_path / "trained.safetensors"
    assert had("plugins", "bundle", trained, "--name", "mean-a").status == 0
    assert names(package) == ["mean-6", "mean-a"]
    assert had("plugins", "bundle", trained, "--name", "mean-b", "--first").status == 0
    assert names(package) == ["mean-b", "mean-6", "mean-a"]


def test_replacing_needs_to_be_asked_for_and_updates_the_hash(had, bundled, package, scene, tmp_path, anew):
    again = ["plugins", "bundle", tmp_path / "other.safetensors", "--name", "mean-6"]
    words = ["train", "-m", "mean", "--mode", "median", scene, "-o", tmp_path / "other.safetensors"]
    assert had(*words).status == 0
    assert "exists already" in had(*again).line
    assert had(*again, "--overwrite").status == 0
    anew()
    assert names(package) == ["mean-6"]
    assert had("models", "verify", "mean-6").status == 0


def test_what_is_said_of_weights_is_shown_and_stays_when_others_are_bundled(
    had, bundled, package, tmp_path, anew
):
    listed = package / "bundled" / "__init__.py"
    good, poor = 'bright things on "even" ground, of any sensor; ' * 4, "wide things"
    text = listed.read_text(encoding="utf-8")
    changed = text.replace("    ),\n)", f"        good={good!r},\n        poor={poor!r},\n    ),\n)")
    assert changed != text
    listed.write_text(changed, encoding="utf-8")
    assert had("plugins", "bundle", tmp_path / "trained.safetensors", "--name", "mean-a").status == 0
    anew()
    assert max(map(len, listed.read_text(encoding="utf-8").splitlines())) < 110
    document = json.loads(had("models", "show", "mean-6", "--json").out)
    assert (document["good"], document["poor"]) == (good, poor)
    assert "poor" in had("models", "show", "mean-6").out
    assert "poor" not in json.loads(had("models", "show", "mean-a", "--json").out)


def test_a_list_that_the_description_does_not_take_is_told(had, site, scene, tmp_path):
    from distributions import MEAN, install

    (site / "had_mean").mkdir()
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean/__init__": MEAN})
    assert had("train", "-m", "mean", scene, "-o", tmp_path / "mean.safetensors").status == 0
    ended = had("plugins", "bundle", tmp_path / "mean.safetensors")
    assert "add bundled=BUNDLED to the description of mean, and above: from had_mean.bundled" in ended.out


def test_a_name_of_another_method_is_wrong_usage_and_leaves_nothing(had, site, scene, tmp_path):
    from distributions import MEAN, install

    (site / "had_mean").mkdir()
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean/__init__": MEAN})
    assert had("train", "-m", "mean", scene, "-o", tmp_path / "w.safetensors").status == 0
    ended = had("plugins", "bundle", tmp_path / "w.safetensors", "--name", "grx-1")
    assert ended.status == 2
    assert "does not begin with mean-" in ended.err
    assert not (site / "had_mean" / "bundled").exists()


def test_a_plugin_that_is_one_module_has_no_place_for_weights(had, site, scene, tmp_path):
    from distributions import MEAN, install

    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    assert had("train", "-m", "mean", scene, "-o", tmp_path / "mean.safetensors").status == 0
    line = had("plugins", "bundle", tmp_path / "mean.safetensors").line
    assert "had_mean: is a module and no package" in line
