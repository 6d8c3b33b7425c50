"""What a bench must say: training on the scene, other pixels, other copies, tables that are replaced."""

import json

import numpy as np
import pytest
from benching import make, read, rows_of

from had_cli.bench.configurations import configure
from had_cli.bench.copies import COPIES, benchmark_name, identify
from had_cli.bench.fingerprints import code_hash
from had_cli.bench.plan import Conditions
from had_cli.bench.run import Voice, run_bench
from had_cli.errors import SceneError, UsageError
from had_cli.plugin import host
from had_cli.scenes.fingerprint import scene_hash
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene
from had_cli.weights.file import Weights


@pytest.fixture
def run(methods, tmp_path):
    """Return ``run(scenes, configurations, **options)``: results, and what was said."""
    host.forget()

    def bench(scenes, configurations, **options):
        said = []
        voice = Voice(note=said.append, warn=said.append, fail=said.append)
        found = run_bench([str(s) for s in scenes], configurations, tmp_path / "out", voice=voice, **options)
        return found, said

    return bench


def seen(scene, folder, **fields):
    """Write weights whose header says that they were trained on something like ``scene``."""
    path = folder / "w.safetensors"
    entry = {"name": scene.name, "sha256": scene_hash(scene), **fields}
    weights = Weights(method="weighed", tensors={"factor": np.float32([2])}, header={"scenes": [entry]})
    weights.save(path, overwrite=True)
    return f"weighed={path}"


@pytest.mark.parametrize(("fields", "how"), [({"name": "other"}, "pixels"), ({"sha256": "0" * 64}, "name")])
def test_a_cell_whose_weights_know_the_scene_is_marked_everywhere(
    fields, how, methods, scenes, tmp_path, had
):
    host.forget()
    with open_scene(scenes / "alpha.mat") as scene:
        weights = seen(scene, tmp_path, **fields)
    done = had("bench", scenes, "-m", "grx", "-m", "weighed", "-w", weights, "-o", "out", site=methods)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    cells = {(c["scene"], c["label"]): c["trained_on"] for c in read(out / "results.json")["cells"]}
    assert cells == {
        **{(scene, label): None for scene in ("alpha", "beta") for label in ("grx", "weighed")},
        ("alpha", "weighed"): how,
    }
    rows = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert rows["alpha"].endswith("†")
    assert "†" not in rows["beta"]
    assert "† The weights were trained on this scene" in done.stdout
    assert "weighed: † the weights were trained on this scene" in done.stderr
    for name in ("results.md", "results.tex"):
        text = (out / name).read_text(encoding="utf-8")
        assert "trained on this scene" in text
        assert ("†" if name.endswith("md") else r"$^{\dagger}$") in text
    assert [row["trained_on"] for row in rows_of(out / "results.csv")] == ["", how, "", ""]
    report = had("report", "out", "-o", "report.html", site=methods)
    assert report.returncode == 0, report.stderr
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "[[false,true],[false,false]]" in page.replace(" ", "")


def test_weights_of_other_scenes_mark_nothing(run, scenes, tmp_path):
    with open_scene(scenes / "alpha.mat") as scene:
        weights = seen(scene, tmp_path, name="elsewhere", sha256="0" * 64)
    found, said = run([scenes], configure(["weighed"], [weights]))
    assert not found.any_trained_on
    assert not any("trained" in line for line in said)


def test_configurations_over_different_pixels_are_never_compared_in_silence(run, scenes):
    cube, marked = make(scenes / "alpha.mat", 1)
    cube[0, :6] = np.nan
    cube[marked == 1, 0] = np.where(np.arange(5) < 2, np.nan, cube[marked == 1, 0])
    np.savez(scenes / "alpha.npz", data=cube, map=marked)
    (scenes / "alpha.mat").unlink()
    found, said = run([scenes], configure(["grx", "filling"]))
    assert [
        line for line in said if line.startswith("alpha: configurations are judged over different pixels")
    ]
    assert found.results["scenes"][0]["uneven"].startswith("grx 3 anomalous and ")
    assert found.results["scenes"][1]["uneven"] is None
    assert found.results["summary"]["auc_df"]["scenes"] == ["beta"]
    from had_cli.bench.tables import left_out

    assert any("different pixels there: alpha (grx 3 anomalous" in line for line in left_out(found))


def test_a_method_with_gaps_fails_its_cell(run, scenes):
    found, _ = run([scenes / "alpha.mat"], configure(["grx", "gaps"]))
    (failed,) = found.failed
    assert failed["label"] == "gaps"
    assert "NaN to 1 of 720 valid pixels" in failed["error"]
    assert "tests (had-tests 1.0)" in failed["error"]


def test_the_tables_of_an_earlier_comparison_are_not_replaced_without_a_word(run, scenes):
    run([scenes], configure(["grx", "steps"]))
    _, said = run([scenes], configure(["grx", "steps", "slrx"]))
    assert not any("earlier comparison" in line for line in said), "an extension"
    _, said = run([scenes / "alpha.mat"], configure(["grx"]), conditions=Conditions(bands="1-4"))
    (line,) = [line for line in said if "earlier comparison" in line]
    assert "configurations steps, slrx; scene beta; selection none" in line
    found, said = run([scenes], configure(["grx", "steps", "slrx"]))
    assert any("6 of 6 cells are done already" in line for line in said)
    assert found.labels == ["grx", "steps", "slrx"]


def test_repeats_run_with_seeds_of_their_own(run, scenes):
    found, _ = run(
        [scenes / "alpha.mat"], configure(["draw", "grx"]), repeats=3, conditions=Conditions(seed=7)
    )
    drawn, fixed = found.results["cells"]
    assert [repeat["seed"] for repeat in drawn["repeats"]] == [7, 8, 9]
    aucs = [repeat["metrics"]["auc_df"] for repeat in drawn["repeats"]]
    assert len(set(aucs)) == 3
    assert drawn["metrics"]["auc_df"] == pytest.approx(np.mean(aucs), abs=1e-15)
    assert drawn["spread"]["auc_df"] == pytest.approx(np.std(aucs, ddof=1), abs=1e-15)
    assert fixed["spread"]["auc_df"] == 0
    again, said = run([scenes / "alpha.mat"], configure(["draw"]), conditions=Conditions(seed=8))
    assert again.results["cells"][0]["metrics"]["auc_df"] == aucs[1]
    assert any("1 of 1 cells are done already" in line for line in said)


def test_one_repeat_that_fails_fails_the_cell(run, scenes):
    found, _ = run([scenes / "alpha.mat"], configure(["raising"]), repeats=2)
    assert found.failed[0]["error"].startswith("seed 0: ")


def test_constant_bands_can_be_kept(had, methods, tmp_path):
    cube, marked = make(tmp_path / "s.mat", 3)
    cube[..., 2] = 5
    np.savez(tmp_path / "s.npz", data=cube, map=marked)
    words = ("bench", "s.npz", "-m", "steps", "--no-plots", "--json", "-o", "out")
    used = [
        json.loads(had(*words, *more, site=methods).stdout)["cells"][0]["bands"]
        for more in ((), ("--keep-constant-bands",))
    ]
    assert used == [5, 6]


def test_a_quiet_bench_prints_nothing(had, scenes):
    done = had("bench", scenes, "-m", "grx", "-q", "-o", "out", "--no-plots")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_help_keeps_its_brackets(had):
    assert "[[method]]" in had("bench", "--help").stdout


def test_a_change_of_a_method_s_text_runs_its_cells_again(run, scenes, methods):
    run([scenes / "alpha.mat"], configure(["steps", "grx"]))
    file = methods / "had_tests_methods.py"
    before = code_hash("had_tests_methods:steps")
    file.write_text(file.read_text() + "\n# another text\n")
    assert code_hash("had_tests_methods:steps") != before
    _, said = run([scenes / "alpha.mat"], configure(["steps", "grx"]))
    assert any("1 of 2 cells are done already" in line for line in said)


# -- copies and recipes -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("abu-airport-1", "abu-airport-1"),
        ("ABU_Beach-4", "abu-beach-4"),
        ("urban5", "abu-urban-5"),
        ("HYDICE_urban", "hydice"),
        ("SanDiego", "san-diego"),
        ("airport5", None),
        ("line", None),
    ],
)
def test_scenes_are_known_by_names_as_people_write_them(name, known):
    assert benchmark_name(name) == known


def blank(name, *shape):
    return Scene.from_array(np.zeros(shape, np.uint8), name=name)


def test_a_copy_that_is_not_on_record_is_told_with_those_that_are():
    told = identify(blank("airport-3", 100, 100, 191))
    assert told.scene == "abu-airport-3"
    assert told.line.startswith("the copy of abu-airport-3 with 100 x 100 x 191 values, by its size alone")
    assert identify(blank("beach-2", 100, 100, 5)).line == (
        "called as abu-beach-2, but has 100 x 100 x 5 values; on record are copies with 100 x 100 x 193 and "
        "100 x 100 x 188"
    )
    assert "its pixels are not those on record" in identify(blank("sandiego", 100, 100, 189)).line
    assert "no copy of that scene is on record" in identify(blank("urban-4", 9, 9, 3)).line
    assert identify(blank("line", 100, 100, 189)) is None
    assert identify(blank("line", 7, 7, 7)) is None


def test_no_two_copies_have_one_hash():
    hashes = [copy.sha256 for copy in COPIES if copy.sha256]
    assert len(set(hashes)) == len(hashes)


def test_real_scenes_are_known_by_their_pixels_whatever_they_are_called(shared, tmp_path):
    for file, scene, size in (
        ("abu-beach-4", "abu-beach-4", "100 x 100 x 102"),
        ("sandiego", "san-diego", "100 x 100 x 189"),
        ("hydice-v73", "hydice", "80 x 100 x 162"),
    ):
        with open_scene(shared / "scenes" / f"{file}.mat") as opened:
            told = identify(opened, opened.source.info.truth)
        assert told.scene == scene
        assert told.line.startswith(f"the copy of {scene} with {size} values")
        assert "marks" not in told.line
    with open_scene(shared / "scenes" / "hydice.mat") as opened:
        renamed = Scene.from_array(opened.read(), name="unnamed")
    told = identify(renamed, lambda: np.zeros((80, 100), bool))
    assert told.scene == "hydice"
    assert "its truth marks 0 pixels, the one on record 17" in told.line


def test_a_recipe_takes_its_scenes_and_says_what_is_missing(had, scenes, tmp_path):
    (scenes / "alpha.mat").rename(scenes / "abu-urban-1.mat")
    done = had("bench", scenes, "-m", "grx", "--recipe", "abu", "-o", "out", "--no-plots")
    assert done.returncode == 0, done.stderr
    assert "beta.mat: skipped, no scene of abu" in done.stderr
    assert "called as abu-urban-1, but has 24 x 30 x 6 values" in done.stderr
    assert "abu: not here, and not in the means: abu-airport-1, " in done.stderr
    (scene,) = read(tmp_path / "out" / "results.json")["scenes"]
    assert scene["benchmark"] == "abu-urban-1"
    assert scene["copy"].startswith("called as abu-urban-1")


def test_a_recipe_without_its_scenes_and_one_that_is_none_are_refused(scenes, tmp_path):
    with pytest.raises(SceneError, match=r"no scene of hydice among those named; it takes hydice"):
        run_bench([str(scenes)], configure(["grx"]), tmp_path / "out", recipe="hydice")
    with pytest.raises(UsageError, match=r"--recipe takes one of abu, san-diego, hydice, had100, not 'x'"):
        run_bench([str(scenes)], configure(["grx"]), tmp_path / "out", recipe="x")
    assert not (tmp_path / "out").exists()
