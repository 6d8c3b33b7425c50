"""Byte parsers under atheris, which mutates what reaches new branches: any error but had's own is a finding.

``pip install atheris``, then ``PYTHONPATH=tests python tests/hostile/fuzz_bytes.py mat5 -max_total_time=60``
(or npy, envi, weights, json, toml); options with one dash are those of libFuzzer. ``make fuzz``
leaves it out: atheris is not built for every Python and system.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["had_cli", "safetensors"]):
    from had_cli.errors import HadError
    from had_cli.foreign.texts import parse_json, parse_toml
    from had_cli.formats.envi import open_envi
    from had_cli.formats.mat import open_mat
    from had_cli.formats.npy import open_npy
    from had_cli.scenes.source import Window
    from had_cli.weights.file import load_weights

OPENERS = {"mat5": (open_mat, ".mat"), "npy": (open_npy, ".npy"), "envi": (open_envi, ".hdr")}


def reads(name: str, folder: Path) -> Callable[[bytes], None]:
    """Return what gives bytes to one parser."""
    if name in {"json", "toml"}:
        return parse_json if name == "json" else parse_toml
    if name == "weights":
        file = folder / "w.safetensors"
        return lambda raw: load_weights(file) if file.write_bytes(raw) >= 0 else None
    opened, suffix = OPENERS[name]
    file = folder / f"scene{suffix}"
    (folder / "scene.img").write_bytes(bytes(1000))

    def read(raw: bytes) -> None:
        file.write_bytes(raw)
        source = opened(str(file), {})
        try:
            source.read(Window(0, 0, 1, 1), None)
        finally:
            source.close()

    return read


def main() -> None:
    """Fuzz the parser that the first word names."""
    name = sys.argv.pop(1)
    folder = Path(tempfile.mkdtemp(prefix="had-bytes-"))
    read = reads(name, folder)

    def one(raw: bytes) -> None:
        try:
            read(raw)
        except HadError:
            return
        except ValueError:  # what the parsers of texts raise; readers turn it into their own
            if name not in {"json", "toml"}:
                raise

    begun = folder / "corpus"
    begun.mkdir()
    if name in OPENERS:
        from attack_bytes import base

        sound = base(name)
        (begun / "sound").write_bytes(next(iter(sound.values())))
    try:
        atheris.Setup([*sys.argv, str(begun)], one)
        atheris.Fuzz()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
