"""Trained and judged on a folder with the layout of HAD100."""

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import small
from typer.testing import CliRunner

from had_cli.commands import application
from had_cli.errors import SceneError
from had_cli.plugin.testing import example_cube
from had_cli.scenes.folders import training_scenes

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
BANDS = 12


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return a tree of four training scenes of each sensor and two test scenes with truths."""
    root = tmp_path / "HAD100"
    for part in ("train/aviris_ng", "train/aviris", "test/aviris_ng", "ground_truth/aviris_ng"):
        (root / part).mkdir(parents=True)
    for i in range(4):
        for sensor in ("aviris_ng", "aviris"):
            np.save(root / "train" / sensor / f"t{i}.npy", example_cube(64, 64, BANDS, seed=i)[0])
    for i in range(2):
        cube, truth = example_cube(64, 64, BANDS, seed=10 + i)
        np.save(root / "test" / "aviris_ng" / f"a{i}.npy", cube)
        picture = np.zeros((3, 64, 64), np.uint8)
        picture[0] = 255  # channel 0 says nothing, channel 1 is the truth
        picture[1][truth] = 255
        options = {"driver": "PNG", "height": 64, "width": 64, "count": 3, "dtype": "uint8"}
        with rasterio.open(root / "ground_truth" / "aviris_ng" / f"a{i}.png", "w", **options) as file:
            file.write(picture)
    return root


def test_a_folder_stands_for_its_training_scenes(tree: Path):
    assert len(training_scenes([tree])) == 8
    assert [Path(s).name for s in training_scenes([tree / "train" / "aviris"])] == [
        f"t{i}.npy" for i in range(4)
    ]
    assert training_scenes(["a.mat", tree / "train" / "aviris"])[0] == "a.mat"
    with pytest.raises(SceneError, match="no scene lies in this folder"):
        training_scenes([tree / "train"])


def test_trained_on_its_first_bands_and_benched_on_its_test_scenes(tree: Path, tmp_path: Path, monkeypatch):
    weights, out = tmp_path / "w.safetensors", tmp_path / "bench"

    def had(*words):
        words = [str(word) for word in words]
        result = CliRunner().invoke(application(words), words)
        assert result.exit_code == 0, result.output
        return result.stdout

    with monkeypatch.context() as patch:
        small.shrink(patch.setattr)
        patch.setattr(small.network.Encoder, "DEPTHS", (3, 1, 1))  # the bench runs in processes of its own
        words = ["-m", "ferd", "--backbone", "random", "--bands", "1-10", "--device", "cpu"]
        words += ["--epochs", "1", "--patches", "2", "--batch-size", "2"]
        had("train", *words, tree / "train" / "aviris_ng", "-o", weights)
    document = json.loads(
        had(
            "bench",
            tree,
            "-m",
            "ferd",
            "-w",
            weights,
            "--bands",
            "1-10",
            "--device",
            "cpu",
            "--json",
            "-o",
            out,
        )
    )
    aucs = {cell["scene"]: cell["metrics"]["auc_df"] for cell in document["cells"]}
    assert set(aucs) == {"a0", "a1"}
    assert min(aucs.values()) > 0.9
    assert document["summary"]["auc_df"]["mean"]["ferd"] == pytest.approx(np.mean(list(aucs.values())))
