"""The released checkpoint is taken over tensor by tensor, or refused in one line; nothing in it is run."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tdd_small import model
from typer.testing import CliRunner

from had_cli.commands import application
from had_cli.errors import WeightsError
from had_cli.scenes.bands import BandGrid
from had_cli.weights.file import Weights, load_weights
from had_tdd.released import FILE, import_weights
from had_tdd.weights import from_weights


def had(*words):
    return CliRunner().invoke(application(words), list(words))


def released_state(**changes):
    state = model(8, attention="released").network.state_dict()
    return {**state, **changes}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / FILE
    torch.save(released_state(), path)
    return path


def refusal(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        import_weights(path)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_released_file_becomes_weights_with_its_hash(file: Path, tmp_path: Path):
    out = tmp_path / "w.safetensors"
    result = had("models", "import", "tdd", str(file), "-o", str(out))
    assert result.exit_code == 0, result.output
    weights = load_weights(out, method="tdd")
    assert set(weights.header["imported_from"]) == {FILE}
    found = from_weights(weights)
    assert found.grid == BandGrid(8)
    assert found.network.attention == "released"
    assert found.normalisation.kind == "max"
    assert found.input_size == 224
    assert found.tile is None
    for name, tensor in released_state().items():
        assert torch.equal(found.network.state_dict()[name], tensor), name


def test_the_folder_of_the_file_will_do(file: Path):
    assert import_weights(file.parent).header == import_weights(file).header


def test_a_missing_file_is_named(tmp_path: Path):
    assert refusal(tmp_path) == f"{tmp_path / FILE}: there is no such file"


@pytest.mark.parametrize("part", [0, 100, 0.5, 0.99])
def test_a_file_cut_short_is_refused(file: Path, part):
    content = file.read_bytes()
    file.write_bytes(content[: int(part * len(content)) if isinstance(part, float) else part])
    assert str(file) in refusal(file)


def test_tensors_of_another_network_are_named(file: Path):
    state = released_state()
    del state["decoder.3.am.conv1.bias"]
    torch.save(state, file)
    assert "lacks the tensor 'decoder.3.am.conv1.bias'" in refusal(file)
    torch.save(released_state(extra=torch.zeros(2)), file)
    assert "unknown tensor 'extra'" in refusal(file)
    torch.save({"conv.weight": torch.zeros(3, 3)}, file)
    assert "lacks the tensor 'encoder.seq.0.weight'" in refusal(file)
    torch.save([torch.zeros(3)], file)
    assert "not a state dict" in refusal(file)


def test_values_that_are_not_finite_are_refused(file: Path):
    state = released_state()
    state["encoder.conv7.bias"][1] = float("nan")
    torch.save(state, file)
    assert "not finite" in refusal(file)


class Trap:
    """Creates a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


def test_code_in_a_checkpoint_is_not_executed(file: Path, tmp_path: Path):
    torch.save({"encoder.seq.0.weight": Trap(tmp_path / "touched")}, file)
    out = tmp_path / "w.safetensors"
    result = had("models", "import", "tdd", str(file), "-o", str(out))
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "touched").exists()
    assert not out.exists()


@pytest.mark.parametrize(
    "network",
    [
        None,
        {},
        {"width": "wide", "attention": "exact", "input_size": 32, "tile": None},
        {"width": 0.06, "attention": "other", "input_size": 32, "tile": None},
        {"width": 0.06, "attention": "exact", "input_size": 33, "tile": None},
        {"width": 1e9, "attention": "exact", "input_size": 32, "tile": None},
        {"width": 0.06, "attention": "exact", "input_size": 32, "tile": -1},
    ],
)
def test_a_header_that_describes_no_network_is_refused(network):
    sound = model(8).weights()
    broken = Weights(method="tdd", tensors=sound.tensors, header={**sound.header, "network": network})
    with pytest.raises(WeightsError, match="describes no network"):
        from_weights(broken)


@pytest.mark.parametrize(
    "normalisation", [None, {"kind": "sum"}, {"kind": "whiten"}, {"kind": "whiten", "components": 0}]
)
def test_a_header_of_an_unknown_normalisation_is_refused(normalisation):
    sound = model(8).weights()
    broken = Weights(
        method="tdd", tensors=sound.tensors, header={**sound.header, "normalisation": normalisation}
    )
    with pytest.raises(WeightsError, match="normalisation"):
        from_weights(broken)


def test_a_tensor_of_another_shape_is_refused_by_detect():
    sound = model(8).weights()
    tensors = {**sound.tensors, "encoder.seq.0.weight": np.zeros((4, 9, 3, 3), np.float32)}
    with pytest.raises(WeightsError, match=r"'encoder.seq.0.weight' has shape \(4, 9, 3, 3\)"):
        from_weights(Weights(method="tdd", tensors=tensors, header=sound.header))
