"""Released files are taken over tensor by tensor, or refused in one line; nothing in them is executed."""

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from released import released_state, save_released
from typer.testing import CliRunner

from had_cli.commands import application
from had_cli.errors import WeightsError
from had_cli.scenes.bands import BandGrid
from had_cli.weights.file import Weights, load_weights
from had_ferd.fen import random_fen
from had_ferd.importer import import_weights
from had_ferd.weights import from_weights, to_weights


def had(*words):
    return CliRunner().invoke(application(words), list(words))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_released(tmp_path / "released", released_state())


def refusal(folder: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        import_weights(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_released_files_become_weights_with_their_hashes(folder: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    result = had("models", "import", "ferd", str(folder), "-o", str(out))
    assert result.exit_code == 0, result.output
    weights = load_weights(out, method="ferd")
    assert weights.header["bands"] == 8
    assert weights.header["wavelengths"] is None
    assert set(weights.header["imported_from"]) == {"convh.pt", "enc.pt", "pc.pt"}
    fen, grid = from_weights(weights)
    assert grid == BandGrid(8)
    expected = random_fen(8).state_dict()
    assert all(torch.equal(fen.state_dict()[name], expected[name]) for name in expected)


def test_a_missing_file_is_named(folder: Path):
    (folder / "pc.pt").unlink()
    assert refusal(folder) == f"{folder / 'pc.pt'}: there is no such file"


def test_a_path_that_is_no_folder_is_named(folder: Path):
    assert "is no folder" in refusal(folder / "pc.pt")


@pytest.mark.parametrize("part", [0, 3, 100, 0.5, 0.99])
def test_a_file_cut_short_is_refused(folder: Path, part):
    path = folder / "enc.pt"
    content = path.read_bytes()
    path.write_bytes(content[: int(part * len(content)) if isinstance(part, float) else part])
    assert str(path) in refusal(folder)


def test_a_tensor_too_many_is_named(folder: Path):
    files = released_state()
    files["enc.pt"]["layer4.0.conv1.weight"] = torch.zeros(3)
    assert "encoder.layer4.0.conv1.weight" in refusal(save_released(folder, files))


def test_a_missing_tensor_is_named(folder: Path):
    files = released_state()
    del files["enc.pt"]["layer1.2.bn3.running_var"]
    assert "encoder.layer1.2.bn3.running_var" in refusal(save_released(folder, files))


def test_a_tensor_of_another_shape_is_named(folder: Path):
    files = released_state()
    files["pc.pt"]["conv2.weight"] = torch.zeros(9, 128, 1, 1)
    assert "'pc.conv2.weight' has shape (9, 128, 1, 1), not (8, 128, 1, 1)" in refusal(
        save_released(folder, files)
    )


def test_values_that_are_not_finite_are_refused(folder: Path):
    files = released_state()
    files["pc.pt"]["conv2.bias"][3] = float("nan")
    assert "not finite" in refusal(save_released(folder, files))


def test_a_value_that_is_no_tensor_is_refused(folder: Path):
    files = released_state()
    files["convh.pt"]["convh.weight"] = [1.0, 2.0]
    assert "convh.weight" in refusal(save_released(folder, files))


def test_files_of_another_method_are_refused(folder: Path):
    torch.save({"state_dict": {"attention.weight": torch.zeros(4, 4)}}, folder / "convh.pt")
    assert "no 'convh.weight'" in refusal(folder)
    torch.save({"conv.weight": torch.zeros(4, 4)}, folder / "convh.pt")
    assert "no released file of ferd" in refusal(folder)


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("archive", [True, False], ids=["torch.save", "bare pickle"])
def test_code_in_a_pickle_is_not_executed(folder: Path, tmp_path: Path, archive: bool):
    touched = tmp_path / "touched"
    if archive:
        torch.save({"state_dict": Trap(touched)}, folder / "pc.pt")
    else:
        (folder / "pc.pt").write_bytes(pickle.dumps({"state_dict": Trap(touched)}))
    out = tmp_path / "w.safetensors"
    result = had("models", "import", "ferd", str(folder), "-o", str(out))
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert str(folder / "pc.pt") in result.stderr
    assert not touched.exists()
    assert not out.exists()


def weights(**changes) -> Weights:
    sound = to_weights(random_fen(6), BandGrid(6))
    return Weights(method="ferd", tensors={**sound.tensors, **changes}, header=sound.header)


def test_weights_with_a_tensor_too_many_or_of_another_shape_are_refused_by_detect():
    with pytest.raises(WeightsError, match="unknown tensor 'extra'"):
        from_weights(weights(extra=np.zeros(2)))
    with pytest.raises(WeightsError, match=r"'convh.weight' has shape \(64, 5, 1, 1\)"):
        from_weights(weights(**{"convh.weight": np.zeros((64, 5, 1, 1), np.float32)}))


@pytest.mark.parametrize("name", ["aviris-200", "aviris-ng-50", "aviris-ng-100", "aviris-ng-200"])
def test_the_released_checkpoints_import(shared: Path, name: str):
    _, grid = from_weights(import_weights(shared / "upstream-weights" / "ferd" / name))
    assert grid == BandGrid(int(name.rsplit("-", 1)[1]))
