"""Finding the places of a score map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from had_cli.errors import SceneError, UsageError
from had_cli.results.places.collection import Mask, Places
from had_cli.results.places.ground import Ground
from had_cli.results.places.outline import outlines, shoelace
from had_cli.results.places.place import Place, Polygons
from had_cli.results.places.spectrum import strongest_bands
from had_cli.results.threshold import Threshold
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window

Transform = tuple[float, float, float, float, float, float]

EIGHT = np.ones((3, 3), dtype=bool)
"""Pixels that touch at a corner are connected."""


def find_places(
    scores: npt.NDArray[np.floating[Any]],
    above: Threshold | float | Mask,
    *,
    min_pixels: int = 1,
    scene: Scene | None = None,
    crs: str | None = None,
    transform: Transform | None = None,
) -> Places:
    """Return the groups of connected pixels (8 neighbours) that reach a threshold.

    Parameters
    ----------
    scores
        rows x cols, NaN where there is no score.
    above
        The threshold, or the mask of anomalous pixels itself.
    min_pixels
        Smaller groups are left out, of the mask too.
    scene
        The scene of the map: gives the bands in which a place differs from its surroundings, and its
        place on the Earth.
    crs, transform
        WKT and affine coefficients as in :class:`had_cli.scenes.source.SceneInfo`, where there is no
        scene at hand.

    Raises
    ------
    SceneError
        When sizes differ.
    UsageError
        When ``min_pixels`` is below 1.
    """
    if min_pixels < 1:
        raise UsageError(f"--min-pixels takes 1 or more, not {min_pixels}")
    mask = _mask(scores, above)
    if scene is not None:
        if scene.shape[:2] != scores.shape:
            rows, cols, _ = scene.shape
            raise SceneError(
                f"{scene.path}: the scene has {rows} x {cols} pixels, the score map "
                f"{scores.shape[0]} x {scores.shape[1]}; give the scene and window that it was made of"
            )
        info = scene.info
        crs, transform = crs or info.crs, transform or info.transform
    ground = Ground.of(scores.shape, crs, transform)
    groups = _Groups.of(scores, mask, min_pixels)
    mask = groups.labels > 0
    drawn = outlines(groups.labels)
    lons, lats = ground.degrees(groups.cols + 0.5, groups.rows + 0.5)
    xs, ys = ground.coordinates(groups.cols + 0.5, groups.rows + 0.5)
    areas = _areas(ground, [drawn[label + 1] for label in range(len(groups.pixels))])
    bands = strongest_bands(scene, groups.labels, groups.windows) if scene is not None else {}
    places = tuple(
        Place(
            rank=label + 1,
            pixels=int(groups.pixels[label]),
            area_m2=areas[label],
            peak=float(groups.peak[label]),
            mean=float(groups.mean[label]),
            col=float(groups.cols[label]),
            row=float(groups.rows[label]),
            peak_col=int(groups.peak_cols[label]),
            peak_row=int(groups.peak_rows[label]),
            x=None if xs is None else float(xs[label]),
            y=None if ys is None else float(ys[label]),
            lon=None if lons is None else float(lons[label]),
            lat=None if lats is None else float(lats[label]),
            window=groups.windows[label],
            outline=drawn[label + 1],
            bands=bands.get(label + 1, ()),
        )
        for label in range(len(groups.pixels))
    )
    return Places(places=places, mask=mask, ground=ground, notes=ground.notes)


def _mask(scores: npt.NDArray[np.floating[Any]], above: Threshold | float | Mask) -> Mask:
    if isinstance(above, Threshold):
        return above.mask(scores)
    if isinstance(above, np.ndarray) and above.ndim:
        if above.shape != scores.shape:
            raise SceneError(f"the mask has the shape {above.shape}, the score map {scores.shape}")
        return np.asarray(above.astype(bool) & ~np.isnan(scores))
    return np.asarray(scores >= above)


@dataclass(frozen=True, slots=True)
class _Groups:
    """Connected groups by falling peak: labels (rows x cols, 1 first, 0 elsewhere) and their figures."""

    labels: npt.NDArray[np.int32]
    pixels: npt.NDArray[np.intp]
    peak: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    cols: npt.NDArray[np.float64]
    rows: npt.NDArray[np.float64]
    peak_cols: npt.NDArray[np.intp]
    peak_rows: npt.NDArray[np.intp]
    windows: list[Window]

    @classmethod
    def of(cls, scores: npt.NDArray[np.floating[Any]], mask: Mask, min_pixels: int) -> _Groups:
        labels = np.empty(mask.shape, dtype=np.int32)
        ndimage.label(mask, structure=EIGHT, output=labels)
        where = np.flatnonzero(labels)
        group = labels.ravel()[where]
        values = scores.ravel()[where].astype(np.float64)
        # of equal peaks the first in reading order leads, so that ranks do not depend on the sort
        order = np.lexsort((where, -values, group))
        group, where, values = group[order], where[order], values[order]
        starts = np.flatnonzero(np.r_[True, np.diff(group) > 0]) if len(group) else np.empty(0, np.intp)
        sizes = np.diff(np.r_[starts, len(group)])
        kept = np.flatnonzero(sizes >= min_pixels)
        kept = kept[np.lexsort((where[starts[kept]], -values[starts[kept]]))]
        renamed = np.zeros(len(starts) + 1, dtype=np.int32)
        renamed[group[starts[kept]]] = np.arange(1, len(kept) + 1)
        labels = renamed[labels]
        rows, cols = np.divmod(where, mask.shape[1])
        total = {
            name: np.add.reduceat(part, starts)[kept] if len(kept) else np.empty(0)
            for name, part in (("score", values), ("row", rows), ("col", cols))
        }
        count = sizes[kept]
        first = starts[kept]
        return cls(
            labels=labels,
            pixels=count,
            peak=values[first],
            mean=total["score"] / count,
            cols=total["col"] / count,
            rows=total["row"] / count,
            peak_cols=cols[first],
            peak_rows=rows[first],
            windows=[
                Window(c.start, r.start, c.stop - c.start, r.stop - r.start)
                for r, c in ndimage.find_objects(labels)
            ],
        )


def _areas(ground: Ground, outlines: list[Polygons]) -> list[float | None]:
    """Return the areas of places in square metres."""
    if ground.crs is None:
        return [None] * len(outlines)
    areas: list[float | None] = []
    for outline in ground.equal_area(outlines):
        total = 0.0
        for outer, *holes in outline:
            total += abs(shoelace(*outer.T)) - sum(abs(shoelace(*hole.T)) for hole in holes)
        areas.append(total if np.isfinite(total) else None)
    return areas
