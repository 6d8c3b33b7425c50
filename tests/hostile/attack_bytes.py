"""Sound files of every kind, as bytes, and ways to spoil bytes."""

from __future__ import annotations

import functools
import random
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import generate
import numpy as np
import products_made
import scipy.io

SHAPE = {"rows": 9, "cols": 11, "bands": 5}
CUBE = generate.make_cube(**SHAPE)
TRUTH = generate.make_truth(SHAPE["rows"], SHAPE["cols"])
WORDS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x10000000, 14, 15)


def _mat5(folder: Path) -> Path:
    cells = np.empty((2, 2), object)
    cells[:] = [[1.0, "text"], [np.ones(3), np.zeros((2, 2), "u1")]]
    values = {"data": CUBE, "map": TRUTH, "s": {"a": CUBE.astype("f8"), "b": {"c": "x"}}, "cells": cells}
    scipy.io.savemat(folder / "scene.mat", values)
    return folder / "scene.mat"


MAKERS: Mapping[str, Callable[[Path], object]] = {
    "mat5": _mat5,
    "mat5-packed": lambda folder: generate.write_mat5(folder / "scene.mat", CUBE, map=TRUTH),
    "mat73": lambda folder: generate.write_mat73(folder / "scene.mat", CUBE, map=TRUTH),
    "mat73-chunked": lambda folder: generate.write_mat73(folder / "scene.mat", CUBE, chunks=(2, 4, 4)),
    "envi": lambda folder: generate.write_envi(
        folder / "scene.hdr",
        CUBE,
        wavelength=np.linspace(400, 900, 5),
        wavelength_units="Nanometers",
        bbl=[1, 1, 1, 0, 1],
        map_info="{UTM, 1, 1, 5e5, 4e6, 30, 30, 11, North, WGS-84}",
        band_names=list("abcde"),
    ),
    "geotiff": lambda folder: generate.write_geotiff(
        folder / "scene.tif", CUBE, tiled=True, crs="EPSG:32611", compress="deflate"
    ),
    "geotiff-plain": lambda folder: generate.write_geotiff(folder / "scene.tif", CUBE, nodata=-5),
    "npy": lambda folder: generate.write_npy(folder / "scene.npy", CUBE),
    "npz": lambda folder: np.savez(folder / "scene.npz", data=CUBE, map=TRUTH, note=np.array("text")),
    "npz-packed": lambda folder: generate.write_npz(folder / "scene.npz", CUBE, map=TRUTH),
    "emit": products_made.make_emit,
    "prisma": products_made.make_prisma,
    "aviris": products_made.make_aviris,
    "neon": products_made.make_neon,
    "tanager": products_made.make_tanager,
    "netcdf": products_made.make_netcdf,
    "enmap": products_made.make_enmap,
    "desis": products_made.make_desis,
}


@functools.cache
def base(kind: str) -> Mapping[str, bytes]:
    """Return the files of a sound scene, by name; the one to be named first is the first."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        MAKERS[kind](folder)
        found = sorted(
            folder.rglob("*"), key=lambda path: (path.suffix.lower() not in {".hdr", ".xml"}, path)
        )
        return {str(path.relative_to(folder)): path.read_bytes() for path in found if path.is_file()}


def place(files: Mapping[str, bytes], folder: Path) -> Path:
    """Write files, and return the first."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder / next(iter(files))


def _at(draw: random.Random, raw: bytes | bytearray) -> int:
    """Return a place, one near the head as often as any other."""
    return min(int(len(raw) * draw.random() ** draw.choice((1, 4))), max(0, len(raw) - 1))


def _cut(draw: random.Random, raw: bytearray) -> None:
    del raw[_at(draw, raw) :]


def _flip(draw: random.Random, raw: bytearray) -> None:
    for _ in range(draw.choice((1, 1, 2, 8, 64))):
        raw[_at(draw, raw)] ^= 1 << draw.randrange(8)


def _set(draw: random.Random, raw: bytearray) -> None:
    for _ in range(draw.choice((1, 2, 8))):
        raw[_at(draw, raw)] = draw.randrange(256)


def _word(draw: random.Random, raw: bytearray) -> None:
    for _ in range(draw.choice((1, 1, 3))):
        place, size = _at(draw, raw) & ~3, draw.choice((2, 4, 8))
        value = draw.choice(WORDS) if draw.random() < 0.8 else draw.getrandbits(32)
        raw[place : place + size] = value.to_bytes(8, draw.choice(("little", "big")))[:size]


def _insert(draw: random.Random, raw: bytearray) -> None:
    place = _at(draw, raw)
    raw[place:place] = draw.randbytes(draw.choice((1, 4, 8, 100)))


def _remove(draw: random.Random, raw: bytearray) -> None:
    place = _at(draw, raw)
    del raw[place : place + draw.choice((1, 4, 8, 100, 1000))]


def _repeat(draw: random.Random, raw: bytearray) -> None:
    place = _at(draw, raw)
    piece = raw[place : place + draw.choice((4, 16, 64, 400))]
    raw[place:place] = piece * draw.choice((1, 2, 50))


def _blank(draw: random.Random, raw: bytearray) -> None:
    place = _at(draw, raw)
    piece = min(draw.choice((4, 8, 64, 512)), len(raw) - place)
    raw[place : place + piece] = draw.choice((b"\0", b"\xff", b" ")) * piece


def _grow(draw: random.Random, raw: bytearray) -> None:
    raw += draw.choice((b"\0", b"\xff", b"ENVI\n")) * draw.choice((1, 100, 5000))


WAYS = (_cut, _flip, _set, _word, _word, _insert, _remove, _repeat, _blank, _grow)


def spoilt(draw: random.Random, raw: bytes) -> bytes:
    """Return bytes spoilt in one way or several."""
    found = bytearray(raw)
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        if found:
            draw.choice(WAYS)(draw, found)
    return bytes(found)
