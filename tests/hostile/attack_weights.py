"""Weights: damaged, of types nobody has, with code in them; checkpoints of other systems."""

from __future__ import annotations

import functools
import io
import json
import os
import pickle
import random
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from attack_bytes import CUBE, spoilt
from attack_case import Case
from attack_scenes import json_text


@functools.cache
def trained() -> bytes:
    """Return the weights of a small network that was trained for an epoch."""
    with tempfile.TemporaryDirectory() as name:
        np.save(Path(name, "scene.npy"), CUBE)
        words = ["train", "-m", "nl2net", "scene.npy", "-o", "w", "--channels", "4", "--blocks", "1"]
        words += ["--epochs", "1", "--device", "cpu", "--quiet"]
        run = [sys.executable, "-m", "had_cli", *words]
        subprocess.run(run, cwd=name, check=True, capture_output=True, env={**os.environ, "HAD_CONFIG": ""})
        return Path(name, "w").read_bytes()


@functools.cache
def _released() -> dict:
    import torch
    from nl2net_literal import Literal

    torch.manual_seed(0)
    return dict(Literal(5, 2, channels=4).state_dict())


def using(draw: random.Random, file: str) -> list[str]:
    """Return a command that reads weights."""
    return draw.choice(
        (
            ["models", "show", file],
            ["models", "show", file, "--json"],
            ["models", "verify", file],
            ["detect", "-m", "nl2net", "scene.npy", "-w", file, "-o", "map.tif", "--device", "cpu"],
            ["detect", "-m", "tdd", "scene.npy", "-w", file, "-o", "map.tif", "--device", "cpu"],
            ["models", "export", file, "-o", "net.pt2"],
        )[: 5 if draw.random() < 0.97 else 6]
    )


def safetensors(draw: random.Random, folder: Path) -> Case:
    """Files of had's own kind: spoilt bytes, headers of another shape, odd types."""
    raw = trained()
    length = int.from_bytes(raw[:8], "little")
    way = draw.randrange(4)
    if way == 0:
        raw = spoilt(draw, raw)
    elif way == 1:  # the document that had keeps in the header
        outer = json.loads(raw[8 : 8 + length])
        inner = json_text(draw, json.loads(outer["__metadata__"]["had"]))
        outer["__metadata__"]["had"] = inner.decode("utf-8", "replace")
        raw = _with_header(json.dumps(outer).encode(), raw[8 + length :])
    elif way == 2:  # the header of safetensors itself
        raw = _with_header(json_text(draw, json.loads(raw[8 : 8 + length])), raw[8 + length :])
    else:
        outer = json.loads(raw[8 : 8 + length])
        name = draw.choice([key for key in outer if key != "__metadata__"])
        outer[name]["dtype"] = draw.choice(("BF16", "F8_E4M3", "F16", "I64", "U8", "C64", "F4", "x"))
        raw = _with_header(json.dumps(outer).encode(), raw[8 + length :])
    (folder / "w.safetensors").write_bytes(raw)
    np.save(folder / "scene.npy", CUBE)
    return Case(using(draw, "./w.safetensors"))


def _with_header(header: bytes, rest: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header + rest


class _Bomb:
    def __reduce__(self) -> tuple:
        return os.system, ("touch $CANARY",)


def _odd(draw: random.Random) -> object:
    """Return a tensor of a kind that weights do not have, or something that is no tensor."""
    import torch

    one = torch.ones(4, 5)
    kinds = (
        lambda: one.to(torch.float8_e4m3fn),
        lambda: one.to_sparse(),
        lambda: one.to_sparse_csr(),
        lambda: torch.quantize_per_tensor(one, 0.1, 0, torch.qint8),
        lambda: (one + 1j * one).conj(),
        lambda: one.to(torch.complex64),
        lambda: torch.nested.nested_tensor([one, one[:2]]),
        lambda: torch.empty(4, 5, device="meta"),
        lambda: one[:1, :1].expand(2**20, 2**20),
        lambda: one.to(torch.int64),
        lambda: one.bool(),
        lambda: torch.full((4, 5), torch.nan),
        lambda: torch.nn.Parameter(one),
        lambda: np.ones(3),
        lambda: "text",
        lambda: None,
        lambda: [[one]],
    )
    return draw.choice(kinds)()


def checkpoints(draw: random.Random, folder: Path) -> Case:
    """What ``torch.save`` and ``pickle`` write, whole and spoilt, given to ``had models import``."""
    import torch

    state, way = dict(_released()), draw.randrange(7)
    buffer = io.BytesIO()
    legacy = draw.random() < 0.4
    with warnings.catch_warnings(action="ignore"):
        if way == 0:
            kind = draw.choice((torch.bfloat16, torch.float16, torch.float64))
            state = {name: tensor.to(kind) for name, tensor in state.items()}
        elif way in {1, 2}:
            state[draw.choice(list(state))] = _odd(draw)
        elif way == 3:
            state = draw.choice(([], "x", 1, None, {"state_dict": state}, {1: 2}, {}, _nested(draw), _Bomb()))
        elif way == 4:
            buffer.write(
                pickle.dumps(draw.choice((_Bomb(), {"head.0.weight": _Bomb()}, [_Bomb()])), draw.randrange(6))
            )
        if way != 4:
            try:
                torch.save(state, buffer, _use_new_zipfile_serialization=not legacy)
            except (
                RuntimeError,
                NotImplementedError,
                RecursionError,
                TypeError,
            ):  # a kind that cannot be saved so
                torch.save(dict(_released()), buffer)
    raw = buffer.getvalue()
    raw = spoilt(draw, raw) if way in {5, 6} else raw
    method = draw.choice(("nl2net", "nl2net", "nl2net", "tdd", "ferd", "fers"))
    name = {"tdd": "x/tdd.pth"}.get(method, "x/w.pt")
    (folder / "x").mkdir()
    (folder / name).write_bytes(raw)
    if method in {"ferd", "fers"}:
        from had_ferd.importer import FILES

        for file in FILES:
            (folder / "x" / file).write_bytes(raw)
    if draw.random() < 0.1:
        np.save(folder / "scene.npy", CUBE)
        return Case(using(draw, name))
    given = "x" if method in {"ferd", "fers"} or draw.random() < 0.05 else name
    return Case(["models", "import", method, given, "-o", "w.safetensors"])


def _nested(draw: random.Random) -> object:
    found: object = {}
    for _ in range(draw.choice((100, 400))):
        found = {"a": found}
    return found


def other_files(draw: random.Random, folder: Path) -> Case:
    """Files of other kinds, pipes and folders in the place of weights."""
    np.save(folder / "scene.npy", CUBE)
    np.savez(folder / "w.npz", **{"head.0.weight": np.ones(3)})
    np.save(folder / "o.npy", np.array([_Bomb()], object), allow_pickle=True)
    os.mkfifo(folder / "pipe")
    (folder / "empty").touch()
    (folder / "folder").mkdir()
    (folder / "loop").symlink_to("loop")
    file = draw.choice(
        ("w.npz", "o.npy", "pipe", "empty", "folder", "loop", "scene.npy", "gone", "/dev/zero", "/dev/tty")
    )
    if draw.random() < 0.5:
        return Case(using(draw, f"./{file}" if "/" not in file else file))
    return Case(
        ["models", "import", draw.choice(("nl2net", "tdd", "ferd", "fers", "grx", "x")), file, "-o", "w"]
    )
