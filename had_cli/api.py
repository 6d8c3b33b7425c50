"""The Python interface: what the commands do, as functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.metrics.evaluation import Evaluation, evaluate
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene

__all__ = ["Detection", "detect", "evaluate", "open_scene"]

Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A score map with everything needed to repeat it.

    Attributes
    ----------
    scores : rows x cols float32, NaN where the scene has no valid pixel
    scene : the (selected) scene the map belongs to
    method : name; parameters : all of them, defaults included
    device, engine, seconds : how it was computed
    warnings : one line each; facts : what the method recorded (JSON values)
    evaluation : against the scene's own truth, or None where it carries none
    """

    scores: npt.NDArray[np.float32]
    scene: Scene
    method: str
    parameters: Mapping[str, Any]
    device: str
    engine: str
    seconds: float
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    weights_hash: str | None = None

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the map (.tif, .hdr, .mat, .npy) with CRS, transform, NaN as nodata and provenance tags.

        Raises
        ------
        OutputExistsError
            When ``path`` exists and ``overwrite`` is false.
        """
        raise NotImplementedError

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document that ``had detect --json`` prints for this scene."""
        raise NotImplementedError


def detect(
    scene: Scene | str | Path | npt.ArrayLike,
    method: str,
    *,
    weights: str | Path | None = None,
    device: str = "auto",
    engine: str = "auto",
    memory: int | str | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    **params: Any,
) -> Detection:
    """Score every pixel of ``scene`` by ``method``.

    Parameters
    ----------
    scene
        A :class:`Scene`, a path, or a rows x cols x bands array.
    method
        A method's name (``had plugins`` lists them); ``params`` are its parameters.
    weights
        A safetensors file, for methods that use one.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    engine
        ``auto``, ``memory`` or ``stream``; auto streams scenes that do not fit into ``memory``.
    memory
        Bytes, or text such as ``"2GB"``: what blocks in flight may take; default a quarter of what
        is free.
    progress
        Called as ``progress(label, fraction)``.

    Raises
    ------
    HadError
        One line that says what is wrong with what.
    """
    raise NotImplementedError
