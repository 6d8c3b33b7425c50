"""Which copy of a public benchmark's scene this is: copies of one name differ in bands and in size.

A copy is known by the hash of its pixels (:func:`had_cli.scenes.fingerprint.scene_hash`), so the same
values in another file format are the same copy. Where only the size of a copy is on record, the size is all
that can be compared, and that is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from had_cli.scenes.fingerprint import scene_hash
from had_cli.scenes.scene import Mask, Scene


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of a benchmark's scene: name and size; hash of the pixels and anomalies where on record."""

    scene: str
    rows: int
    cols: int
    bands: int
    sha256: str | None = None
    anomalous: int | None = None
    remark: str = ""

    @property
    def size(self) -> str:
        """Rows x columns x bands."""
        return f"{self.rows} x {self.cols} x {self.bands}"


COPIES = (
    Copy(
        *("abu-airport-1", 100, 100, 205),
        "4237a4b11b792f39d4c53381e82995f0894cb933ebd02702c468ed31201145b9",
        144,
    ),
    Copy(
        *("abu-airport-2", 100, 100, 205),
        "aa1cfa4c8127dbc5d666d1d02b2b47e5e6bd6bd08baca2c40f223d51255dbdd4",
        87,
    ),
    Copy("abu-airport-3", 100, 100, 205),
    Copy("abu-airport-3", 100, 100, 191),
    Copy(
        *("abu-beach-1", 150, 150, 188),
        "0a37d6ce1c756bc40aa7d882152aecf662486b34e94ceeb55f5b395ae7fba320",
        19,
    ),
    Copy("abu-beach-2", 100, 100, 193),
    Copy("abu-beach-2", 100, 100, 188),
    Copy("abu-beach-4", 150, 150, 102),
    Copy(
        *("abu-beach-4", 100, 100, 102),
        "6f5a1d6e1653c906761a22f306995b49257076ccffaedc0e3b0cc3536dd1b61b",
        68,
        "a crop, scaled to 0..1",
    ),
    Copy(
        *("abu-urban-1", 100, 100, 204),
        "02da2488635c5cd277be2d20356c4ba1134395b8127336b04d4936df8b040796",
        67,
    ),
    Copy(
        *("abu-urban-2", 100, 100, 207),
        "2325f38ddc18db8413c6ecb951b9c84d2b57bfdf04cded5606a4d7928477a27f",
        155,
    ),
    Copy(
        *("hydice", 80, 100, 162),
        "fdae9282253ad39d7a6fde21d060681d99507dcb6e16ffd07210adc871deb69d",
        17,
        "as counts",
    ),
    Copy(
        *("hydice", 80, 100, 162),
        "36779519d533ada2bfee04e254ee8d2c3a062ce09dc9f16a57f5b931e8f7d418",
        17,
        "scaled to 0..1",
    ),
    Copy("san-diego", 100, 100, 186),
    Copy(
        *("san-diego", 100, 100, 189),
        "4fab744355fd3ce57d383debd83eb325c3e9d43f4534e459cc2f3671cb656730",
        58,
    ),
    Copy("san-diego", 100, 100, 224),
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a scene: the benchmark's name for it, and one line."""

    scene: str
    line: str


def identify(scene: Scene, truth: Callable[[], Mask] | None = None) -> Identity | None:
    """Return which copy of which benchmark's scene this is, or None where neither content nor name tells.

    ``scene`` is taken whole, with all its bands, whatever is selected; ``truth`` gives its truth where that
    is to be compared.
    """
    whole = Scene(scene.source, bands=np.arange(scene.source.info.shape[2]), quality=())
    rows, cols, bands = whole.shape
    sized = [copy for copy in COPIES if (copy.rows, copy.cols, copy.bands) == (rows, cols, bands)]
    name = benchmark_name(scene.name)
    if not sized and name is None:
        return None
    digest = scene_hash(whole) if any(copy.sha256 for copy in sized) else ""
    found = next((copy for copy in sized if copy.sha256 == digest), None)
    if found is not None:
        return Identity(found.scene, _told(found, None if truth is None else truth()))
    if name is None:  # a scene of its own that happens to have this size
        return None
    return Identity(name, _untold(name, (rows, cols, bands)))


def benchmark_name(name: str) -> str | None:
    """Return the benchmark's name of a scene that is called ``name`` or alike, or None.

    ``airport1``, ``ABU_Airport-1`` and ``abu-airport-1`` are alike.
    """
    plain = re.sub(r"[^a-z0-9]", "", name.lower()).removeprefix("abu")
    for prefix, count in (("airport", 4), ("beach", 4), ("urban", 5)):
        number = re.fullmatch(rf"{prefix}([1-{count}])", plain)
        if number:
            return f"abu-{prefix}-{number[1]}"
    return {"hydice": "hydice", "hydiceurban": "hydice", "sandiego": "san-diego"}.get(plain)


def _told(copy: Copy, truth: Mask | None) -> str:
    remark = f", {copy.remark}" if copy.remark else ""
    line = f"the copy of {copy.scene} with {copy.size} values{remark}, by the hash of its pixels"
    marked = None if truth is None else int(np.count_nonzero(truth))
    if marked is not None and marked != copy.anomalous:
        line += f"; its truth marks {marked} pixels, the one on record {copy.anomalous}"
    others = [other.size for other in COPIES if other.scene == copy.scene and other.size != copy.size]
    return line + (f"; others of the name have {' or '.join(others)}" if others else "")


def _untold(name: str, shape: tuple[int, int, int]) -> str:
    here = " x ".join(map(str, shape))
    known = [copy for copy in COPIES if copy.scene == name]
    if not known:
        return f"called as {name}; no copy of that scene is on record"
    if any(copy.size == here and copy.sha256 is None for copy in known):
        return f"the copy of {name} with {here} values, by its size alone: no hash of that copy is on record"
    if any(copy.size == here for copy in known):
        return f"called as {name} and of a known size, but its pixels are not those on record"
    sizes = " and ".join(dict.fromkeys(copy.size for copy in known))
    return f"called as {name}, but has {here} values; on record are copies with {sizes}"
