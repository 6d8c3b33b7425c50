"""Draw the pictures of docs/gallery: ``python docs/gallery_pictures.py``.

Each method with its defaults on the scene that ``had demo`` generates: composite, score map, places.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from had_cli import detect
from had_cli.plugin import host
from had_cli.results.picture import quicklook
from had_cli.results.places import find_places
from had_cli.results.threshold import threshold
from had_cli.scenes.demo import make_scene
from had_cli.scenes.open import open_scene, open_truth

GALLERY = Path(__file__).resolve().parent / "gallery"
RULE = "cfar:1e-3"
GREY = 217  # 0.85 of 255, behind what holds no data
WIDTH = 900  # pixels of a picture: what the page shows, and below 100 kB


def main(words: Sequence[str] | None = None) -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--method", action="append", help="default: all that are installed")
    parser.add_argument("--out", type=Path, default=GALLERY, help="folder of the pictures")
    parser.add_argument("--size", type=int, nargs=3, default=(120, 160, 120), help="rows, columns, bands")
    given = parser.parse_args(words)
    rows, cols, bands = given.size
    with tempfile.TemporaryDirectory() as folder:
        files = make_scene(folder, rows=rows, cols=cols, bands=bands)
        with open_scene(files.scene) as scene:
            truth = open_truth(files.truth, scene.shape[:2])
        for method in given.method or sorted(host.methods()):
            draw(method, files.scene, truth, given.out / f"{method}.png")


def draw(method, path, truth, picture) -> None:
    """Write the picture of one method, in few colours."""
    found = detect(path, method)
    chosen = threshold(found.scores, RULE, tags=found.tags())
    places = find_places(found.scores, chosen)
    with open_scene(path) as scene:
        quicklook(
            scene,
            picture,
            scores=found.scores,
            truth=truth,
            marked=places.mask,
            title=f"{method}: {len(places.places)} places by {RULE}",
            overwrite=True,
        )
    with Image.open(picture) as file:
        drawn = file.convert("RGB")
    drawn = drawn.resize((WIDTH, round(drawn.height * WIDTH / drawn.width)), Image.Resampling.LANCZOS)
    few = drawn.quantize(96, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    keep_grey(drawn, few)
    few.save(picture, optimize=True)


def keep_grey(drawn, few) -> None:
    """Give the ground of a picture its colour back: chosen for coverage, one of few is slightly off."""
    places = np.argwhere((np.asarray(drawn) == GREY).all(axis=2))
    if len(places):
        row, col = places[len(places) // 2]
        index, palette = few.getpixel((int(col), int(row))), few.getpalette()
        palette[3 * index : 3 * index + 3] = (GREY, GREY, GREY)
        few.putpalette(palette)


if __name__ == "__main__":
    main()
