"""What plugins may bring besides methods, formats and metrics: threshold rules, panels, exporters.

Descriptions as in :mod:`had_cli.plugin.descriptions`: plain, frozen, and without code before it is used.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from had_cli.plugin.descriptions import _check, _check_name, _check_reference, _check_suffixes

OWN_RULES = ("cfar", "quantile", "value", "chi2")
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThresholdRule:
    """A rule that turns scores into a threshold without labels: ``--rule NAME:NUMBER``.

    ``compute`` refers to ``compute(scores, number, tags) -> float``: ``scores`` are the valid scores of the
    map in ascending order, 1-D float64 and read-only, ``tags`` the map's as a mapping of texts. It returns
    the threshold; scores at or above it are anomalous. ``meaning`` says what the number is, ``example``
    is one; it lies between ``minimum`` and ``maximum``, both included.
    """

    name: str
    summary: str
    meaning: str
    compute: str
    example: float
    minimum: float = -math.inf
    maximum: float = math.inf

    def __post_init__(self) -> None:
        _check_name("threshold rule", self.name)
        _check(self.name not in OWN_RULES, f"threshold rule {self.name}: had has a rule of that name")
        _check(
            bool(self.summary and self.meaning), f"threshold rule {self.name}: summary or meaning is empty"
        )
        _check_reference(f"threshold rule {self.name}", "compute", self.compute)
        _check(self.takes(self.example), f"threshold rule {self.name}: its example is out of its range")

    def takes(self, number: float) -> bool:
        """Return whether ``number`` is in range; NaN never is."""
        return self.minimum <= number <= self.maximum


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel on the page that ``had report`` writes of a scene and its scores.

    ``build`` refers to ``build(scene, scores) -> PanelContent``, with the :class:`had_cli.plugin.Scene` and
    its rows x cols float32 scores, NaN where there is none.
    """

    name: str
    title: str
    build: str

    def __post_init__(self) -> None:
        _check_name("panel", self.name)
        _check(bool(self.title), f"panel {self.name} has no title")
        _check_reference(f"panel {self.name}", "build", self.build)


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelContent:
    """What a panel shows, as data: the page runs no code of a plugin.

    ``paragraphs`` of plain text, then a ``table`` of texts whose first row is its head, then a ``picture``,
    the bytes of a PNG, with ``caption`` for those who cannot see it.
    """

    paragraphs: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()
    picture: bytes | None = None
    caption: str = ""

    def __post_init__(self) -> None:
        texts = [*self.paragraphs, *(cell for row in self.table for cell in row)]
        _check(all(isinstance(text, str) for text in texts), "a panel's paragraphs and cells are texts")
        _check(len({len(row) for row in self.table}) <= 1, "the rows of a panel's table differ in length")
        _check(
            self.picture is None or (self.picture.startswith(_PNG) and bool(self.caption)),
            "a panel's picture is the bytes of a PNG, and has a caption",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Exporter:
    """Another form of a finished score map, made of the whole of it: ``had export MAP OUT``.

    ``write`` refers to ``write(path, score_map) -> None`` with a :class:`had_cli.plugin.ScoreMap`. ``path``
    is a temporary one: what lies there when it returns gets its name. A raster that can be written window by
    window is a :class:`had_cli.plugin.Writer` instead.
    """

    name: str
    summary: str
    write: str
    suffixes: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_name("exporter", self.name)
        _check(bool(self.summary), f"exporter {self.name} has no summary")
        _check_reference(f"exporter {self.name}", "write", self.write)
        _check(bool(self.suffixes), f"exporter {self.name} claims no suffix")
        _check_suffixes(f"exporter {self.name}", self.suffixes)
