"""Which scenes a bench takes, and where it finds their truths."""

import numpy as np
import pytest
import rasterio
from benching import make, read
from distributions import install
from generate import make_cube, make_truth, write_envi, write_geotiff

from had_cli.bench.cases import find_cases, unique_names
from had_cli.bench.configurations import configure
from had_cli.bench.run import run_bench
from had_cli.errors import SceneError, UsageError
from had_cli.scenes.open import open_scene


def truth_of(case):
    with open_scene(case.path) as scene:
        return scene.truth if case.truth is None else case.truth.load(scene)


def test_a_truth_is_found_in_the_file_or_beside_it_in_any_format(tmp_path):
    cube, truth = make_cube(), make_truth()
    _, inside = make(tmp_path / "inside.mat", 3)
    write_envi(tmp_path / "line.hdr", cube)
    write_geotiff(tmp_path / "line_gt.tif", truth[..., None])
    np.save(tmp_path / "array.npy", cube)
    write_envi(tmp_path / "array_GT.hdr", truth[..., None])
    cases, skipped = find_cases([str(tmp_path)])
    assert [case.name for case in cases] == ["array", "inside", "line"]
    assert not skipped
    for case, expected in zip(cases, (truth, inside, truth), strict=True):
        np.testing.assert_array_equal(truth_of(case), expected == 1)


def test_a_scene_in_a_folder_without_a_truth_is_skipped_with_a_line(had, scenes, tmp_path):
    make(scenes / "blind.mat", 5, truth=False)
    (scenes / "notes.txt").write_text("no scene")
    done = had("bench", scenes, "-m", "grx", "-o", "out", "--no-plots")
    assert done.returncode == 0, done.stderr
    assert "blind.mat: skipped, carries no truth" in done.stderr
    assert [item["path"] for item in read(tmp_path / "out" / "results.json")["skipped"]] == [
        str(scenes / "blind.mat")
    ]


def test_a_scene_that_was_named_and_has_no_truth_fails_and_the_rest_is_done(had, scenes, tmp_path):
    make(scenes / "blind.mat", 5, truth=False)
    done = had(
        "bench",
        scenes / "blind.mat",
        scenes / "alpha.mat",
        "gone.mat",
        "-m",
        "grx",
        "-o",
        "out",
        "--no-plots",
    )
    assert done.returncode == 1
    assert "blind.mat: has no truth; put NAME_gt.* beside it" in done.stderr
    assert "gone.mat: there is no such file" in done.stderr
    errors = [scene["error"] is None for scene in read(tmp_path / "out" / "results.json")["scenes"]]
    assert errors == [False, True, False]


def test_a_damaged_scene_in_a_folder_is_a_failure_not_a_gap(had, scenes):
    (scenes / "torn.mat").write_bytes((scenes / "alpha.mat").read_bytes()[:4000])
    done = had("bench", scenes, "-m", "grx", "-o", "out", "--no-plots")
    assert done.returncode == 1
    assert "torn.mat" in done.stderr
    assert "mean of 2 scenes" in done.stdout


def test_a_file_beside_a_scene_goes_before_its_own_truth(scenes):
    beside = np.zeros((24, 30), np.uint8)
    beside[3, 4] = 1
    np.save(scenes / "alpha_gt.npy", beside)
    alpha, _ = find_cases([str(scenes)])[0]
    np.testing.assert_array_equal(truth_of(alpha), beside == 1)
    assert "the one that the scene carries is not used" in alpha.notes[-1]
    alpha, _ = find_cases([str(scenes)], truth_variable="map")[0]
    assert alpha.truth is None


def test_two_files_that_could_be_the_truth_are_a_failure(scenes):
    for suffix in ("npy", "npz"):
        (scenes / f"alpha_gt.{suffix}").write_bytes(b"")
    alpha, _ = find_cases([str(scenes)])[0]
    assert "more than one file can be its truth" in alpha.error


def test_a_named_truth_serves_one_scene_and_its_window(scenes, tmp_path):
    truth = np.zeros((24, 30), np.uint8)
    truth[10, 12] = 1
    np.save(tmp_path / "t.npy", truth)
    (case,), _ = find_cases([str(scenes / "alpha.mat")], truth=str(tmp_path / "t.npy"))
    with open_scene(case.path, window=(12, 10, 5, 6)) as scene:
        found = case.truth.load(scene)
    assert found.shape == (6, 5)
    assert found[0, 0]
    assert found.sum() == 1
    with pytest.raises(UsageError, match="--truth goes with one scene"):
        find_cases([str(scenes)], truth="t.npy")


def test_scenes_called_alike_are_told_apart(tmp_path):
    assert unique_names(["a/x.mat", "a/y.tif"]) == ["x", "y"]
    assert unique_names(["a/x.mat", "a/x.tif", "a/y.tif"]) == ["x_mat", "x_tif", "y"]
    assert unique_names(["a/x.mat", "b/x.mat"]) == ["a_x_mat", "b_x_mat"]
    assert unique_names(["1/a/x.mat", "2/a/x.mat"]) == ["1_x", "2_x"]


def test_nothing_to_bench_is_told(tmp_path):
    with pytest.raises(SceneError, match="no scene with a truth"):
        find_cases([str(tmp_path)])


@pytest.fixture
def had100(tmp_path):
    """Return a small tree with the layout of HAD100: truths are colour pictures, channel 1 counts."""
    root, rng = tmp_path / "HAD100", np.random.default_rng(3)
    for sensor in ("aviris_ng", "aviris"):
        (root / "train" / sensor).mkdir(parents=True)
        np.save(root / "train" / sensor / "line_1.npy", rng.random((16, 16, 5)))
    tests, truths = root / "test" / "aviris_ng", root / "ground_truth" / "aviris_ng"
    tests.mkdir(parents=True)
    truths.mkdir(parents=True)
    for index in range(3):
        cube = rng.normal(1, 0.1, (16, 16, 5)).astype(np.float32)
        picture = np.zeros((4, 16, 16), np.uint8)
        picture[0, :3] = 90  # red is no label
        picture[3] = 255
        picture[1, 4 + index, 5:7] = 255
        cube[picture[1] > 0] += 0.25
        np.save(tests / f"scene_{index}.npy", cube)
        with rasterio.open(
            truths / f"scene_{index}.png", "w", driver="PNG", width=16, height=16, count=4, dtype="uint8"
        ) as png:
            png.write(picture)
    return root


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
class TestHad100:
    def test_truths_are_read_from_the_second_channel(self, had100):
        cases, skipped = find_cases([str(had100)])
        assert [case.name for case in cases] == ["scene_0", "scene_1", "scene_2"]
        assert not skipped
        for index, case in enumerate(cases):
            expected = np.zeros((16, 16), bool)
            expected[4 + index, 5:7] = True
            np.testing.assert_array_equal(truth_of(case), expected)

    def test_a_scene_of_it_is_known_by_its_place(self, had100, monkeypatch):
        monkeypatch.chdir(had100 / "test" / "aviris_ng")
        (case,), _ = find_cases(["scene_1.npy"])
        assert truth_of(case).sum() == 2

    def test_a_picture_of_one_channel_is_taken_as_it_is(self, had100):
        picture = np.zeros((1, 16, 16), np.uint8)
        picture[0, 2, 2] = 1
        with rasterio.open(
            had100 / "ground_truth" / "aviris_ng" / "scene_0.png",
            "w",
            driver="PNG",
            width=16,
            height=16,
            count=1,
            dtype="uint8",
        ) as png:
            png.write(picture)
        case = find_cases([str(had100)])[0][0]
        np.testing.assert_array_equal(np.argwhere(truth_of(case)), [[2, 2]])

    def test_the_mean_over_its_scenes_is_the_mean_of_their_aucs(self, had100, had, tmp_path):
        (had100 / "ground_truth" / "aviris_ng" / "scene_2.png").unlink()
        done = had("bench", had100, "-m", "grx", "--bands", "1-4", "-o", "out", "--no-plots")
        assert done.returncode == 0, done.stderr
        assert "scene_2.npy: skipped" in done.stderr
        results = read(tmp_path / "out" / "results.json")
        aucs = [cell["metrics"]["auc_df"] for cell in results["cells"]]
        assert len(aucs) == 2
        assert results["summary"]["auc_df"]["mean"]["grx"] == pytest.approx(sum(aucs) / 2, abs=1e-15)


READER = """
    import dataclasses
    import numpy as np
    from had_cli.plugin.descriptions import Reader
    from had_cli.plugin.hooks import hookimpl

    @hookimpl
    def had_readers():
        return [Reader(name="made", summary="Made up", open="had_made:open_made", suffixes=(".made",))]

    def open_made(path, options):
        from had_cli.scenes.scene import ArraySource
        from had_cli.scenes.source import SceneInfo

        cube = np.random.default_rng(1).normal(size=(9, 8, 3)).astype(np.float32)
        truth = np.zeros((9, 8), bool)
        truth[4, 4] = True
        cube[4, 4] += 9
        info = SceneInfo(
            path=path, format="made", shape=cube.shape, dtype=cube.dtype, truth=lambda: truth
        )
        return ArraySource(info, cube)
"""


def test_a_plugin_s_reader_has_its_own_idea_of_truth(site, tmp_path):
    install(site, "had-made", {"made": "had_made"}, {"had_made": READER})
    (tmp_path / "scenes").mkdir()
    (tmp_path / "scenes" / "one.made").write_text("x")
    found = run_bench([str(tmp_path / "scenes")], configure(["grx"]), tmp_path / "out")
    assert found.failed == []
    assert found.values("auc_df") == {"one": {"grx": 1.0}}
