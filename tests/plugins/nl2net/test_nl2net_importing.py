"""Released state dicts: imported by name, and never executed."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from nl2net_literal import Literal

from had_cli import api
from had_cli.errors import WeightsError
from had_cli.plugin.testing import example_cube
from had_cli.weights.file import load_weights
from had_cli.weights.importing import import_weights


@pytest.fixture
def released_file(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "NL2Net_scene_100.pkl"
    torch.save(Literal(6, 2, channels=8).state_dict(), path)
    return path


def changed(path, change):
    content = torch.load(path, weights_only=True)
    change(content)
    torch.save(content, path)


def test_the_command_imports_and_detect_uses_it(released_file, tmp_path):
    output = tmp_path / "w.safetensors"
    command = [sys.executable, "-m", "had_cli", "models", "import", "nl2net", released_file, "-o", output]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    header = load_weights(output).header
    assert header["imported_from"] == released_file.name
    cube, _ = example_cube(20, 24, 6)
    detection = api.detect(cube, "nl2net", weights=output, precision="float32")
    assert any("factor" in line for line in detection.warnings)
    told = api.detect(cube, "nl2net", weights=output, factor=2, precision="float32")
    assert not told.warnings
    np.testing.assert_array_equal(told.scores, detection.scores)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda content: content.pop("tail.4.bias"), "lacks the tensor 'tail.4.bias'"),
        (lambda content: content.update(extra=torch.zeros(1)), "unknown tensor 'extra'"),
        (lambda content: content.update({"tail.4.bias": torch.zeros(9)}), r"'tail.4.bias' has shape \(9,\)"),
        (lambda content: content.pop("head.0.weight"), "lacks the tensor 'head.0.weight'"),
        (lambda content: content["branch1.body.0.mask"].fill_(1), "outer ring"),
        (lambda content: content.update({"head.0.bias": "text"}), "not a state dict"),
    ],
)
def test_what_is_no_network_of_it_is_refused_in_one_line(released_file, tmp_path, change, complaint):
    changed(released_file, change)
    with pytest.raises(WeightsError, match=complaint) as caught:
        import_weights(released_file, "nl2net", tmp_path / "w")
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "w").exists()


def test_code_in_a_pickle_is_not_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    path = tmp_path / "trap.pkl"
    path.write_bytes(pickle.dumps({"head.0.weight": Trap()}, protocol=2))
    with pytest.raises(WeightsError, match="nothing of it was executed"):
        import_weights(path, "nl2net", tmp_path / "w")
    assert not (tmp_path / "sprung").exists()


def test_a_file_cut_short_is_told(released_file, tmp_path):
    released_file.write_bytes(released_file.read_bytes()[:1000])
    with pytest.raises(WeightsError, match=r"NL2Net_scene_100\.pkl"):
        import_weights(released_file, "nl2net", tmp_path / "w")


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(WeightsError, match="no such file"):
        import_weights(tmp_path / "none.pkl", "nl2net", tmp_path / "w")
