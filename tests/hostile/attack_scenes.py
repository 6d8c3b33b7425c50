"""Scenes that are damaged, or made to do harm, given to the commands that read scenes."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import generate
import numpy as np
from attack_bytes import CUBE, SHAPE, TRUTH, base, place, spoilt
from attack_case import Case, Maker

METHODS = ("grx", "slrx", "ssf")
OUTPUTS = ("map.tif", "map.npy", "map.hdr", "map.mat", "map.npz")


def reading(draw: random.Random, scene: str, folder: Path) -> list[str]:
    """Return a command that reads a file as one thing or another."""
    method, out = draw.choice(METHODS), draw.choice(OUTPUTS)
    engine = draw.choice(([], ["--engine", "stream"], ["--json"]))
    kind = draw.choice(("info", "detect", "detect", "detect", "convert", "part", "threshold", "quicklook"))
    rule = ["--rule", draw.choice(("quantile:0.9", "cfar:1e-2"))]
    role = draw.random()
    if role < 0.12:
        np.save(folder / "sound.npy", CUBE)
        np.save(folder / "marks.npy", TRUTH)
        return draw.choice(
            (
                ["detect", "-m", "grx", "sound.npy", "--mask", scene, "-o", out],
                ["detect", "-m", "grx", "sound.npy", "--truth", scene, "-o", out],
                ["evaluate", "marks.npy", "--truth", scene],
                ["evaluate", scene, "--truth", "marks.npy", "--json"],
                ["report", "sound.npy", scene, "-o", "page.html"],
                ["report", scene, "marks.npy", "-o", "page.html"],
            )
        )
    return {
        "info": ["info", scene, *draw.choice(([], ["--json"]))],
        "detect": ["detect", "-m", method, scene, "-o", out, *engine],
        "convert": ["convert", scene, out],
        "part": ["convert", scene, out, "--bands", "1-2", "--window", "1", "1", "3", "3"],
        "threshold": ["threshold", scene, *rule, "-o", "mask.tif", "--vector", "places.geojson"],
        "quicklook": ["quicklook", scene, "-o", "look.png"],
    }[kind]


def damaged(*kinds: str) -> Maker:
    """Return the maker of cases with a damaged file of one of some kinds."""

    def make(draw: random.Random, folder: Path) -> Case:
        kind = draw.choice(kinds)
        files = dict(base(kind))
        spoil = draw.choice(list(files)) if len(files) > 1 else next(iter(files))
        files[spoil] = spoilt(draw, files[spoil])
        if draw.random() < 0.06:  # a file of one kind under the name of another
            files = {next(iter(files)): next(iter(base(draw.choice(("npy", "mat5", "geotiff"))).values()))}
        scene = place(files, folder)
        return Case(reading(draw, str(scene.relative_to(folder)), folder))

    return make


def headers(draw: random.Random, folder: Path) -> Case:
    """ENVI headers: cut, with lying fields, with two candidates for the data."""
    files = dict(base("envi"))
    text = files["scene.hdr"].decode()
    lines = text.splitlines()
    way = draw.randrange(6)
    if way == 0:
        text = text[: draw.randrange(len(text))]
    elif way == 1:
        lines[draw.randrange(1, len(lines))] = ""
        text = "\n".join(lines)
    elif way == 2:
        at = draw.randrange(1, len(lines))
        name = lines[at].partition("=")[0]
        value = draw.choice(
            ("", "-1", "1e400", "nan", "9" * 5000, "{", "}", "{{}}", "{1,2", "\x00", "0x10", "1_0")
        )
        lines[at] = f"{name}= {value}"
        text = "\n".join(lines) + "\n"
    elif way == 3:
        draw.shuffle(lines)
        text = "\n".join(["ENVI", *lines])
    elif way == 4:
        files["scene.dat"] = files["scene.img"][: draw.choice((0, 10, None))]
        files["scene"] = b"x"
    else:
        text = text.replace("=", draw.choice((" ", "==", "=\n", "= ;")), draw.choice((1, -1)))
    files["scene.hdr"] = text.encode("utf-8", "surrogatepass")
    if draw.random() < 0.1:
        del files["scene.img"]
    place(files, folder)
    if draw.random() < 0.05:
        (folder / "scene.img").unlink(missing_ok=True)
        os.mkfifo(folder / "scene.img")
    return Case(reading(draw, draw.choice(("scene.hdr", "scene.hdr", "scene.img")), folder))


def numbers(draw: random.Random, folder: Path) -> Case:
    """Values at the ends of every type."""
    dtype = np.dtype(draw.choice(("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8")))
    rng = np.random.default_rng(draw.getrandbits(32))
    shape = draw.choice(((9, 11, 5), (1, 1, 5), (1, 9, 5), (9, 1, 1), (3, 3, 40), (2, 2, 2)))
    if dtype.kind == "f":
        top = float(np.finfo(dtype).max)
        pool = np.array(
            [0, -0.0, 1, -1, top, -top, np.nan, np.inf, -np.inf, np.finfo(dtype).tiny, 1e-45, 1e5]
        )
    else:
        limits = np.iinfo(dtype)
        pool = np.array([limits.min, limits.max, 0, 1], dtype)
    few = rng.choice(pool, draw.choice((1, 2, 3, len(pool))))
    with np.errstate(over="ignore", invalid="ignore"):
        cube = rng.choice(few, shape).astype(dtype)
        if draw.random() < 0.4:
            cube = (cube + rng.normal(0, 1, shape)).astype(dtype)
        cube = np.where(rng.random(shape) < draw.choice((0, 0.1, 0.9)), few[0], cube).astype(dtype)
    np.save(folder / "scene.npy", cube.astype(dtype.newbyteorder(draw.choice("<>"))))
    if draw.random() < 0.4 and dtype.str[1:] in generate.ENVI_TYPES:
        generate.write_envi(folder / "scene.hdr", cube, order=draw.choice("<>"))
        return Case(reading(draw, "scene.hdr", folder))
    with_tdd = ["detect", "-m", "tdd", "scene.npy", "-o", "map.tif", "--device", "cpu"]
    return Case(with_tdd if draw.random() < 0.1 else reading(draw, "scene.npy", folder))


def sidecars(draw: random.Random, folder: Path) -> Case:
    """JSON beside an array."""
    np.save(folder / "scene.npy", CUBE)
    (folder / "scene.npy.json").write_bytes(json_text(draw, SIDECAR))
    return Case(reading(draw, "scene.npy", folder))


SIDECAR = {
    "shape": [SHAPE["rows"], SHAPE["cols"], SHAPE["bands"]],
    "wavelengths": [400.0, 500.0, 600.0, 700.0, 800.0],
    "fwhm": [5.0] * 5,
    "bad_bands": [False, False, True, False, False],
    "nodata": -5,
    "scale": [0.1] * 5,
    "offset": [0.0] * 5,
    "band_names": list("abcde"),
    "crs": "EPSG:32611",
    "transform": [30.0, 0, 5e5, 0, -30, 4e6],
    "tags": {"a": "b"},
}
ODD: tuple[Callable[[], object], ...] = (
    *(lambda value=value: value for value in (None, True, -1, 0, 1e308, 2**70, "", "x", "nan", [], {}, [[]])),
    lambda: ["x"] * 5,
    lambda: [None] * 5,
    lambda: {"a": {"b": []}},
    lambda: "9" * 5000,
)
RAW = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, '"\\ud800"', "", "nul")


def json_text(draw: random.Random, document: object) -> bytes:
    """Return a document with values replaced, as JSON that may be cut, nested deep, or no JSON."""
    import copy
    import json

    document = copy.deepcopy(document)
    for _ in range(draw.choice((1, 1, 2, 5))):
        _replace(draw, document)
    text = json.dumps(document)
    way = draw.randrange(12)
    if way == 0:
        text = text[: draw.randrange(len(text) + 1)]
    elif way == 1:
        deep = draw.choice((1000, 100_000))
        text = text.replace(draw.choice(("1", "[", "null", "0")), f"{'[' * deep}{']' * deep}", 1)
    elif way == 2:
        text = text.replace(draw.choice(("1", "0", "null", "5")), draw.choice(RAW), 1)
    elif way == 3:
        deep = draw.choice((90, 500, 3000))
        text = '{"a":' * deep + text + "}" * deep
    raw = text.encode()
    return spoilt(draw, raw) if way == 4 else raw


def _replace(draw: random.Random, document: object) -> None:
    """Replace, or remove, one value somewhere in a document."""
    node = document
    while isinstance(node, dict | list) and node:
        keys = list(node) if isinstance(node, dict) else range(len(node))
        key = draw.choice(list(keys))
        deeper = isinstance(node[key], dict | list) and node[key] and draw.random() < 0.8
        if not deeper:
            if draw.random() < 0.25:
                del node[key]
            else:
                node[key] = draw.choice(ODD)()
            return
        node = node[key]
