"""Where foreign structure comes in: odd tensors, damaged benches; and odd folders and clocks."""

import json
import os
import subprocess
import sys

import attack_texts
import generate
import numpy as np
import pytest
import torch
from attack_bytes import CUBE, place
from command_line import files
from nl2net_literal import Literal

from had_cli.errors import WeightsError
from had_cli.weights.importing import read_checkpoint, read_state_dict

HAD = f'"{sys.executable}" -m had_cli'
linux = pytest.mark.skipif(sys.platform != "linux", reason="uses ulimit, and removes the working folder")
ONE = torch.arange(12.0).reshape(3, 4)
ODD = {
    "is of type float8_e4m3fn": lambda: ONE.to(torch.float8_e4m3fn),
    "is sparse": lambda: ONE.to_sparse(),
    "is of type qint8": lambda: torch.quantize_per_tensor(ONE, 0.1, 0, torch.qint8),
    "is of type complex64": lambda: (ONE + 1j * ONE).conj(),
    "has no values": lambda: torch.empty(3, 4, device="meta"),
    "more than the file holds": lambda: ONE[:1, :1].expand(2**20, 2**20),
}


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_short_floats_are_widened_exactly(tmp_path, kind):
    torch.save({"a": ONE.to(kind)}, tmp_path / "w.pt")
    found = read_state_dict(tmp_path / "w.pt")["a"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, ONE.numpy())


@pytest.mark.parametrize("reason", ODD)
@pytest.mark.filterwarnings("ignore")  # torch's, of kinds that it means to change
def test_a_tensor_that_no_weights_have(tmp_path, reason):
    torch.save({"a": ODD[reason]()}, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match=f"w.pt: the tensor 'a' .*{reason}"):
        read_checkpoint(tmp_path / "w.pt")


@pytest.mark.parametrize("legacy", [False, True])
def test_a_checkpoint_cut_anywhere(tmp_path, legacy):
    path = tmp_path / "w.pt"
    torch.save(Literal(4, 2, channels=4).state_dict(), path, _use_new_zipfile_serialization=not legacy)
    whole = path.read_bytes()
    for length in np.linspace(0, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:length])
        with pytest.raises(WeightsError, match=r"w\.pt"):
            read_checkpoint(path)


@pytest.mark.parametrize(
    ("name", "spoil", "where"),
    [
        ("results", lambda d: d.pop("cells"), "cells"),
        ("results", lambda d: d["cells"][0].update(warnings=3), r"cells\[0\].warnings"),
        ("results", lambda d: d["cells"][0].update(scene="x"), "a cell of x and grx"),
        ("results", lambda d: d["summary"].pop("auc_df"), "no summary of auc_df"),
        ("curves", lambda d: d["s1"]["grx"].update(p_f="x"), "s1.grx.p_f"),
        ("timings", lambda d: d["machine"].pop("python"), "machine.python"),
        ("timings", lambda d: d["cells"][1].update(seconds=[1]), r"cells\[1\].seconds"),
    ],
)
def test_a_damaged_bench_is_told(had, tmp_path, name, spoil, where):
    import re

    made = dict(attack_texts._bench())
    document = json.loads(made[f"b/{name}.json"])
    spoil(document)
    made[f"b/{name}.json"] = json.dumps(document).encode()
    place(made, tmp_path / "here")
    assert re.search(where, had("report", "b", "-o", "page.html").line)
    assert files(tmp_path / "here") == ["b"]


@linux
def test_a_working_folder_that_is_gone(tmp_path):
    generate.write_npy(tmp_path / "line.npy", CUBE)
    (tmp_path / "gone").mkdir()
    script = f"cd gone && rmdir ../gone && exec {HAD} detect -m grx {tmp_path / 'line.npy'} -o map.npy"
    ended = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("had: ")


@pytest.mark.parametrize("suffix", [".tif", ".hdr", ".npy"])
def test_a_clock_that_was_set_back(had, tmp_path, suffix):
    """Outputs of the future are replaced like others."""
    generate.write_npy(tmp_path / "here" / "line.npy", CUBE)
    for number in (1, 2):
        assert had("convert", "line.npy", f"o{suffix}", "--bands", f"1-{number}", "--overwrite").status == 0
        for name in files(tmp_path / "here"):
            os.utime(name, (4e9, 4e9))
    from had_cli.scenes.open import open_scene

    np.testing.assert_array_equal(open_scene(f"o{suffix}").read(), CUBE[..., :2])
    assert [name for name in files(tmp_path / "here") if name.startswith(".")] == []
