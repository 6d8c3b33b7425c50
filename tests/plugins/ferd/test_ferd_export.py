"""Exported networks give the features of the network, in plain PyTorch and in ONNX Runtime."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from typer.testing import CliRunner

from had_cli import detect
from had_cli.commands import application
from had_cli.plugin.testing import example_cube
from had_cli.scenes.bands import BandGrid
from had_cli.weights.exporting import export_weights
from had_ferd.fen import random_fen
from had_ferd.weights import to_weights

BANDS = 7
PAGE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "networks.md"
# no package of had, wherever it may be installed
WITHOUT_HAD = (
    "import sys\nsys.modules.update(dict.fromkeys(['had_cli', 'had_ferd', 'had_grx', 'had_slrx']))\n"
)


def had(*words):
    return CliRunner().invoke(application(words), list(words))


@pytest.fixture(scope="module")
def fen():
    return random_fen(BANDS)


@pytest.fixture(scope="module")
def folder(fen, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    to_weights(fen, BandGrid(BANDS)).save(folder / "fen.safetensors")
    for suffix in ("pt2", "onnx"):
        export_weights(folder / "fen.safetensors", folder / f"fen.{suffix}")
    return folder


def cubes():
    return [torch.rand(n, BANDS, r, c) * 0.2 - 0.1 for n, r, c in [(1, 40, 33), (3, 5, 9), (2, 64, 64)]]


def test_the_pt2_file_agrees_with_the_network(fen, folder: Path):
    program = torch.export.load(folder / "fen.pt2").module()
    with torch.no_grad():
        for x in cubes():
            torch.testing.assert_close(program(x), fen(x), rtol=1e-4, atol=1e-5)


def test_the_onnx_file_agrees_with_the_network(fen, folder: Path):
    session = onnxruntime.InferenceSession(folder / "fen.onnx")
    with torch.no_grad():
        for x in cubes():
            (feature,) = session.run(["feature"], {"cube": x.numpy()})
            torch.testing.assert_close(torch.from_numpy(feature), fen(x), rtol=1e-4, atol=1e-5)


def test_the_header_of_the_weights_travels_along(folder: Path):
    files = {"had.json": ""}
    torch.export.load(folder / "fen.pt2", extra_files=files)
    model = onnx.load(folder / "fen.onnx")
    (kept,) = [p.value for p in model.metadata_props if p.key == "had.json"]
    assert json.loads(files["had.json"]) == json.loads(kept)
    assert json.loads(kept)["method"] == "ferd"
    assert json.loads(kept)["bands"] == BANDS


def test_the_lines_of_the_guide_work_where_had_is_not_installed(folder: Path):
    cube, _ = example_cube(40, 30, BANDS)
    np.save(folder / "flightline.npy", cube)
    program = PAGE.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert "torch.export.load" in program
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_HAD + program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    blocked = subprocess.run(
        [sys.executable, "-c", WITHOUT_HAD + "import had_cli"], check=False, capture_output=True
    )
    assert b"ModuleNotFoundError" in blocked.stderr
    scores = detect(cube, "ferd", weights=folder / "fen.safetensors", device="cpu").scores
    np.testing.assert_allclose(np.load(folder / "scores.npy"), scores, rtol=1e-3)


def test_the_command_writes_the_file_or_says_why_not(folder: Path, tmp_path: Path):
    out = tmp_path / "fen.pt2"
    result = had("models", "export", str(folder / "fen.safetensors"), "-o", str(out))
    assert result.exit_code == 0, result.output
    assert out.stat().st_size > 100_000
    assert [p.name for p in tmp_path.iterdir()] == ["fen.pt2"]
    again = had("models", "export", str(folder / "fen.safetensors"), "-o", str(out))
    assert again.exit_code == 1
    assert "--overwrite" in again.stderr
    other = had("models", "export", str(folder / "fen.safetensors"), "-o", str(tmp_path / "fen.txt"))
    assert other.exit_code == 2
    assert ".pt2 or .onnx" in other.stderr
    missing = had("models", "export", str(tmp_path / "none.safetensors"), "-o", str(tmp_path / "x.onnx"))
    assert missing.exit_code == 1
    assert len(missing.stderr.strip().splitlines()) == 1


def test_without_the_packages_of_onnx_the_remedy_is_named(folder: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    result = had("models", "export", str(folder / "fen.safetensors"), "-o", str(tmp_path / "fen.onnx"))
    assert result.exit_code == 1
    assert "pip install 'had[export]'" in result.stderr
    assert not list(tmp_path.iterdir())
