"""Texts that commands read: configurations, and the folders that had bench leaves."""

from __future__ import annotations

import functools
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import generate
import numpy as np
from attack_bytes import CUBE, TRUTH, place, spoilt
from attack_case import Case
from attack_scenes import json_text

TOML = """[detect]
method = "grx"
memory = "2GB"
window = [1, 1, 5, 5]
bands = "1-3"
engine = "stream"
quiet = true
seed = 3

[detect.slrx]
block-size = 5

[train.nl2net]
epochs = 5
"""
LINES = (
    *(
        "memory = 1",
        "window = 3",
        'window = ["a"]',
        "window = [1, 2, 3, 4, 5]",
        "seed = 1e3",
        "seed = 2026-01-01",
    ),
    *(
        "bands = 5",
        "bands = [1, 2]",
        'seed = "1_0"',
        "seed = 1_0",
        "overwrite = true",
        'out = "x.tif"',
        "unknown = 1",
    ),
    *(
        "method = 3",
        'method = "x"',
        "quiet = 2",
        'engine = "warp"',
        "seed = inf",
        "seed = nan",
        "seed = true",
    ),
    *(
        "seed = -1",
        "json = []",
        'mask = ""',
        "[detect.detect]",
        "[[detect]]",
        "[nothing]",
        "[detect.slrx.deeper]",
    ),
    *(f"a = {'[' * 5000}", f"a = {'[' * 60}{']' * 60}", f"a = {'9' * 6000}", ".".join("a" * 3000) + " = 1"),
    *('bands = "\\u0000"', "seed = 0x10", f"[{'.'.join(['a'] * 2000)}]", "seed = 1979-05-27T07:32:00Z"),
)


def configurations(draw: random.Random, folder: Path) -> Case:
    """``had.toml`` with wrong values, wrong tables, nesting, and no TOML at all."""
    np.save(folder / "scene.npy", CUBE)
    lines = TOML.splitlines()
    for _ in range(draw.choice((1, 1, 2))):
        lines.insert(draw.randrange(len(lines)), draw.choice(LINES))
    raw = "\n".join(lines).encode()
    if draw.random() < 0.3:
        raw = spoilt(draw, raw)
    (folder / "had.toml").write_bytes(raw)
    if draw.random() < 0.05:
        (folder / "had.toml").unlink()
        draw.choice((os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to("had.toml")))(
            folder / "had.toml"
        )
    words = draw.choice(
        (
            ["detect", "scene.npy", "-o", "map.tif"],
            ["detect", "-m", "slrx", "scene.npy", "-o", "map.tif"],
            ["config", "show"],
            ["config", "show", "--json"],
            ["info", "scene.npy"],
            ["bench", "scene.npy", "--config", "had.toml", "-o", "folder"],
        )
    )
    where = "" if words[0] == "bench" else "had.toml"
    return Case(words, {"HAD_CONFIG": where})


@functools.cache
def _bench() -> dict[str, bytes]:
    """Return the folder of a bench of two scenes and two methods."""
    with tempfile.TemporaryDirectory() as name:
        for number in (1, 2):
            generate.write_npz(Path(name, f"s{number}.npz"), CUBE + number, map=TRUTH)
        run = [
            sys.executable,
            "-m",
            "had_cli",
            "bench",
            "s1.npz",
            "s2.npz",
            "-m",
            "grx",
            "-m",
            "slrx",
            "-o",
            "b",
        ]
        subprocess.run(run, cwd=name, check=True, capture_output=True, env={**os.environ, "HAD_CONFIG": ""})
        return {f"b/{p.name}": p.read_bytes() for p in Path(name, "b").iterdir() if p.is_file()}


def benches(draw: random.Random, folder: Path) -> Case:
    """Folders of had bench with documents of another shape, given to had report."""
    files = dict(_bench())
    name = draw.choice(("b/results.json", "b/results.json", "b/curves.json", "b/timings.json"))
    if draw.random() < 0.1:
        del files[name]
    elif draw.random() < 0.15:
        files[name] = spoilt(draw, files[name])
    else:
        files[name] = json_text(draw, json.loads(files[name]))
    place(files, folder)
    if draw.random() < 0.03:
        (folder / name).unlink(missing_ok=True)
        os.mkfifo(folder / name)
    return Case(["report", "b", "-o", "page.html", *draw.choice(([], ["--json"]))])
