"""Running a method on a scene, and what comes of it."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli._version import __version__
from had_cli.detection.default import DEFAULT_METHOD
from had_cli.detection.parameters import check_params
from had_cli.engine.devices import choose_device
from had_cli.engine.executor import Executor
from had_cli.engine.memory import memory_budget
from had_cli.errors import HadError, UsageError
from had_cli.files import printable
from had_cli.plugin import host
from had_cli.results.metrics.evaluation import Evaluation, evaluate, json_value
from had_cli.scenes.describe import runs
from had_cli.scenes.open import open_scene
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window
from had_cli.weights.chosen import weights_for
from had_cli.weights.file import Weights

ENGINES = ("auto", "memory", "stream")
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
    evaluation : against the truth given or the scene's own, or None where there is none
    weights : name of the weights used (of a file, or of those that come with a plugin), or None
    weights_hash : sha256 of the weights file, or None
    """

    scores: npt.NDArray[np.float32]
    scene: Scene = field(repr=False)
    method: str
    parameters: Mapping[str, Any]
    device: str
    engine: str
    seed: int
    seconds: float
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = field(default=None, repr=False)
    weights: str | None = None
    weights_hash: str | None = None

    @property
    def valid_pixels(self) -> int:
        """How many pixels have a score."""
        return int(np.count_nonzero(np.isfinite(self.scores)))

    def save(self, path: str | Path, *, overwrite: bool = False) -> Path:
        """Write the map in the format of ``path``'s suffix (.tif, .hdr, .mat, .npy, ...).

        The file is float32 with NaN as nodata, has the scene's CRS and transform, and carries
        method, parameters, seed, weights hash and version as tags. It appears under its name only
        when complete.

        Raises
        ------
        OutputExistsError
            When ``path`` exists and ``overwrite`` is false.
        OutputError
            When its folder is missing, the format is unknown, or the scene itself would be replaced.
        """
        from had_cli.scenes.inputs import refuse_inputs
        from had_cli.scenes.output import create_raster, map_info

        refuse_inputs(path, [("the scene", self.scene.path)])
        rows, cols = self.scores.shape
        info = dataclasses.replace(
            map_info(self.scene.info, tags=self.tags()), band_names=(f"{self.method} score",)
        )
        with create_raster(path, info, np.dtype(np.float32), overwrite=overwrite) as sink:
            for row in range(0, rows, 256):
                height = min(256, rows - row)
                sink.write(Window(0, row, cols, height), np.asarray(self.scores[row : row + height, :, None]))
        return Path(path)

    def tags(self) -> dict[str, str]:
        """Return the provenance of the map, as written into its file."""
        tags = {
            "had_version": __version__,
            "had_method": self.method,
            "had_parameters": json.dumps(json_value(_plain(self.parameters))),
            "had_scene": printable(Path(self.scene.path).name),
            "had_bands": runs(self.scene.bands + 1),
            "had_seed": str(self.seed),
        }
        if self.facts:
            tags["had_facts"] = json.dumps(json_value(dict(self.facts)))
        if self.weights is not None:
            tags["had_weights"] = printable(self.weights)
        if self.weights_hash is not None:
            tags["had_weights_sha256"] = self.weights_hash
        return tags

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document of ``had detect --json`` for this scene; NaN is null."""
        rows, cols, bands = self.scene.shape
        document: dict[str, Any] = {
            "scene": self.scene.path,
            "rows": rows,
            "cols": cols,
            "bands": bands,
            "bands_used": runs(self.scene.bands + 1),
            "method": self.method,
            "parameters": _plain(self.parameters),
            "weights": None if self.weights is None else printable(self.weights),
            "weights_sha256": self.weights_hash,
            "device": self.device,
            "engine": self.engine,
            "seed": self.seed,
            "seconds": round(self.seconds, 3),
            "valid_pixels": self.valid_pixels,
            "facts": dict(self.facts),
            "notes": list(self.scene.info.notes),
            "warnings": list(self.warnings),
            "version": __version__,
        }
        if self.evaluation is not None:
            document["auc"] = self.evaluation.auc
            document["evaluation"] = self.evaluation.to_json(roc_points=0)
        cleaned: dict[str, Any] = json_value(document)
        return cleaned


def detect(
    scene: Scene | str | Path | npt.ArrayLike,
    method: str = DEFAULT_METHOD,
    *,
    weights: str | Path | Weights | None = None,
    truth: str | Path | npt.ArrayLike | None = None,
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
        A method's name (``had plugins`` lists them), by default SSF; ``params`` are its parameters.
    weights
        A safetensors file, a name that ``had models list`` shows, or :class:`had_cli.weights.file.Weights`;
        default: those that come with a method which needs some.
    truth
        rows x cols array or path, to evaluate against; default: the one the scene carries.
    device
        ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
    engine
        ``auto``, ``memory`` or ``stream``; auto streams scenes that do not fit into ``memory``.
    memory
        Bytes, or text such as ``"2GB"``: what blocks and results may take; default a quarter of
        what is free.
    seed
        For methods that draw at random: the same seed gives the same bytes.
    progress
        Called as ``progress(label, fraction)``.

    Raises
    ------
    UsageError
        When a parameter is unknown or out of range.
    HadError
        When the data or the run fails: one line that says what is wrong with what.
    """
    description = host.method(method)
    values = check_params(description, params)
    if engine not in ENGINES:
        raise UsageError(f"--engine takes one of {', '.join(ENGINES)}, not {engine!r}")
    budget = memory_budget(memory)
    function = host.resolve(description.detect)
    loaded = weights_for(description, weights)
    device = choose_device(device)
    opened = _as_scene(scene)
    stream = engine == "stream" or (engine == "auto" and _in_memory_bytes(opened) > budget)
    start = time.perf_counter()
    with Executor(
        opened, device=device, stream=stream, memory=budget, seed=seed, weights=loaded, progress=progress
    ) as run:
        if device == "mps" and description.double_precision:
            run.leave_device(f"{method} computes in double precision, which mps lacks: continuing on the CPU")
        scores = _checked(function(run, SimpleNamespace(**values)), opened, method)
        seconds = time.perf_counter() - start
        evaluation = _evaluate(scores, opened, truth)
        warnings = (*run.warnings, *(evaluation.warnings if evaluation else ()))
        return Detection(
            scores=scores,
            scene=opened,
            method=method,
            parameters=values,
            device=run.device,
            engine="stream" if stream else "memory",
            seed=seed,
            seconds=seconds,
            warnings=warnings,
            facts=run.facts,
            evaluation=evaluation,
            weights=None if loaded is None else loaded.name,
            weights_hash=None if loaded is None else loaded.hash,
        )


def _as_scene(scene: Scene | str | Path | npt.ArrayLike) -> Scene:
    if isinstance(scene, Scene):
        return scene
    return open_scene(scene) if isinstance(scene, str | Path) else Scene.from_array(scene)


def _in_memory_bytes(scene: Scene) -> int:
    """Return what the scene takes in memory as it is stored, and its scores."""
    stored = scene.source.info.dtype.itemsize
    return int(np.prod(scene.shape, dtype=np.int64)) * stored + 4 * scene.shape[0] * scene.shape[1]


def _checked(scores: Any, scene: Scene, method: str) -> npt.NDArray[np.float32]:
    """Return a method's result as a score map, or say that the method broke its contract."""
    array: npt.NDArray[np.float32] = np.asanyarray(scores)
    if array.shape != scene.shape[:2] or array.dtype != np.float32:
        raise HadError(
            f"method {method} returned {array.dtype} of shape {array.shape} for a scene of "
            f"{scene.shape[0]} x {scene.shape[1]} pixels; this is an error in its plugin"
        )
    return array


def _evaluate(scores: npt.NDArray[np.float32], scene: Scene, truth: Any) -> Evaluation | None:
    if truth is None:
        truth = scene.truth
    elif isinstance(truth, str | Path):
        from had_cli.scenes.open import open_truth

        # a truth of the whole file serves a window of it as well
        rows, cols, _ = scene.source.info.shape
        truth = open_truth(truth, (rows, cols))[scene.window.rows, scene.window.cols]
    return None if truth is None else evaluate(scores, truth)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}
