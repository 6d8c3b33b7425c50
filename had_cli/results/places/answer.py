"""From a score map to an answer: threshold, mask and places, written where they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.files import placed_together
from had_cli.results.places.collection import Places
from had_cli.results.places.find import find_places
from had_cli.results.threshold import Rule, Threshold, threshold
from had_cli.results.threshold.masks import save_mask
from had_cli.scenes.lookup import ortho_info, orthorectified
from had_cli.scenes.ortho import ortho_scene
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Ortho, SceneInfo


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was found, and where it was written (None where nothing was wanted)."""

    threshold: Threshold
    places: Places = field(repr=False)
    min_pixels: int
    mask: Path | None
    vector: Path | None

    def to_json(self) -> dict[str, Any]:
        """Return the fields that ``had threshold --json`` and ``had detect --threshold --json`` share."""
        return {
            "threshold": self.threshold.to_json(),
            "min_pixels": self.min_pixels,
            "mask": None if self.mask is None else str(self.mask),
            "vector": None if self.vector is None else str(self.vector),
            "places": self.places.to_json(),
        }


def answer(
    scores: npt.NDArray[np.floating[Any]],
    info: SceneInfo,
    rule: Rule | str,
    *,
    tags: Mapping[str, str],
    scene: Scene | None = None,
    min_pixels: int = 1,
    mask: Path | None = None,
    vector: Path | None = None,
    seed: int = 0,
    overwrite: bool = False,
    ortho: Ortho | None = None,
) -> Answer:
    """Threshold ``scores``, find the places, and write mask and polygons where a path is given.

    Parameters
    ----------
    scores
        rows x cols, NaN where there is no score.
    info
        Of the score map: gives CRS and transform.
    rule
        As in :func:`had_cli.results.threshold.threshold`.
    tags
        Of the score map's file.
    scene
        For the bands in which a place differs from its surroundings.
    min_pixels
        Smaller groups are left out of places and mask.
    ortho
        Puts scores and scene onto a map before places are looked for. The threshold stands on the scores
        as they are, where no pixel repeats.

    Raises
    ------
    HadError
        As ``threshold``, ``find_places`` and the writers.
    """
    found = threshold(scores, rule, tags=tags, seed=seed)
    if ortho is not None:
        scores, info = orthorectified(scores, ortho), ortho_info(info, ortho)
        scene = None if scene is None else ortho_scene(scene)
    places = find_places(
        scores, found, min_pixels=min_pixels, scene=scene, crs=info.crs, transform=info.transform
    )
    with placed_together():
        if mask is not None:
            valid = ~np.isnan(scores)
            tags = {**tags, "had_min_pixels": str(min_pixels)}
            save_mask(mask, places.mask, valid, found, info, tags=tags, overwrite=overwrite)
        if vector is not None:
            places.save(vector, overwrite=overwrite)
    return Answer(threshold=found, places=places, min_pixels=min_pixels, mask=mask, vector=vector)
