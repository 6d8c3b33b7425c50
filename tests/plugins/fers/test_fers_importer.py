"""The four released files are taken over tensor by tensor, or refused in one line."""

from pathlib import Path

import pytest
import torch
from networks import save_untrained
from released import save_released
from typer.testing import CliRunner

from had_cli.commands import application
from had_cli.errors import WeightsError
from had_cli.weights.file import load_weights
from had_ferd.fen import random_fen
from had_fers.importer import import_weights
from had_fers.spatial import random_spatial
from had_fers.weights import from_weights

BANDS = 8


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return save_untrained(tmp_path / "released", BANDS)


def refusal(folder: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        import_weights(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_the_command_makes_one_file_of_four(folder: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    words = ["models", "import", "fers", str(folder), "-o", str(out)]
    result = CliRunner().invoke(application(words), words)
    assert result.exit_code == 0, result.output
    weights = load_weights(out, method="fers")
    assert weights.header["bands"] == BANDS
    assert set(weights.header["imported_from"]) == {"convh.pt", "enc.pt", "pc.pt", "spa_fen.pt"}
    fen, network, _ = from_weights(weights)
    for found, expected in ((fen, random_fen(BANDS)), (network, random_spatial(BANDS))):
        assert all(torch.equal(t, found.state_dict()[n]) for n, t in expected.state_dict().items())


def test_a_bare_state_dict_is_taken_as_well(folder: Path):
    torch.save(random_spatial(BANDS).state_dict(), folder / "spa_fen.pt")
    assert import_weights(folder).header["bands"] == BANDS


@pytest.mark.parametrize("file", ["spa_fen.pt", "enc.pt"])
def test_a_missing_or_damaged_file_is_named(folder: Path, file: str):
    path = folder / file
    path.write_bytes(path.read_bytes()[:1000])
    assert str(path) in refusal(folder)
    path.unlink()
    assert refusal(folder) == f"{path}: there is no such file"


def test_what_is_no_folder_is_told_which_files_there_should_be(folder: Path):
    assert "convh.pt, enc.pt, pc.pt, spa_fen.pt in one" in refusal(folder / "pc.pt")


def test_other_tensors_are_named(folder: Path):
    state = random_spatial(BANDS).state_dict()
    for changes, complaint in (
        ({"spp.se.fc.0.weight": torch.zeros(2, 8, 1, 1)}, "'spp.se.fc.0.weight' has shape (2, 8, 1, 1)"),
        ({"extra": torch.zeros(1)}, "unknown tensor 'extra'"),
        ({"spp.fuse.2.weight": torch.full((8, 128, 1, 1), torch.nan)}, "not finite"),
    ):
        save_released(folder, {"spa_fen.pt": {**state, **changes}})
        assert complaint in refusal(folder)
    torch.save({"state_dict": [1, 2]}, folder / "spa_fen.pt")
    assert "holds no state dict" in refusal(folder)


def test_a_spatial_network_of_other_bands_than_ferds_is_refused(folder: Path):
    save_released(folder, {"spa_fen.pt": random_spatial(9).state_dict()})
    assert "has shape" in refusal(folder)
