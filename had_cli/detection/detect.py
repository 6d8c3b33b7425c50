"""Running a method on a scene, and what comes of it."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli._version import __version__
from had_cli.detection.default import DEFAULT_METHOD
from had_cli.detection.parameters import check_params
from had_cli.engine.devices import choose_device, device_of_workers
from had_cli.engine.executor import Executor
from had_cli.engine.memory import memory_budget, results_budget
from had_cli.engine.run import Block
from had_cli.errors import HadError, UsageError
from had_cli.files import printable
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method
from had_cli.results.metrics.evaluation import Evaluation, evaluate, json_value
from had_cli.scenes.constant import constant_bands, left_out
from had_cli.scenes.describe import runs
from had_cli.scenes.open import open_scene
from had_cli.scenes.origin import origin_of
from had_cli.scenes.quality import count_flagged
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import Window
from had_cli.weights.chosen import weights_for
from had_cli.weights.file import Weights

ENGINES = ("auto", "memory", "stream", "dask")
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
    quality : how many pixels each quality mask left out, by name
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
    quality: Mapping[str, int] = field(default_factory=dict)

    @property
    def valid_pixels(self) -> int:
        """How many pixels have a score."""
        return int(np.count_nonzero(np.isfinite(self.scores)))

    def save(
        self, path: str | Path, *, overwrite: bool = False, ortho: bool = True, cog: bool = False
    ) -> Path:
        """Write the map in the format of ``path``'s suffix (.tif, .hdr, .mat, .npy, ...).

        The file is float32 with NaN as nodata, has the scene's CRS and transform, and carries
        method, parameters, seed, weights hash and version as tags. It appears under its name only
        when complete.

        Parameters
        ----------
        ortho
            Put the scores onto the map where the scene lies on a sensor's own grid and has a lookup
            table (``had_cli.scenes.ortho``); otherwise they are written as they lie in the scene.
        cog
            Make a .tif a cloud-optimised GeoTIFF, with overviews.

        Raises
        ------
        OutputExistsError
            When ``path`` exists and ``overwrite`` is false.
        OutputError
            When its folder is missing, the format is unknown, or the scene itself would be replaced.
        """
        from had_cli.scenes.inputs import refuse_inputs
        from had_cli.scenes.lookup import ortho_info, orthorectified
        from had_cli.scenes.output import create_raster, map_info

        files = [self.scene.path, *self.scene.source.info.files]
        refuse_inputs(path, [("the scene", file) for file in files])
        # scores are numbers without a unit
        scores, info, tags = self.scores, self.scene.info, {**self.tags(), "data units": "1"}
        table = self.scene.ortho if ortho else None
        if table is not None:
            scores, info = orthorectified(scores, table), ortho_info(info, table)
            tags["had_ortho"] = "lookup table"
        rows, cols = scores.shape
        info = dataclasses.replace(map_info(info, tags=tags), band_names=(f"{self.method} score",))
        with create_raster(path, info, np.dtype(np.float32), overwrite=overwrite, cog=cog) as sink:
            for row in range(0, rows, 256):
                height = min(256, rows - row)
                sink.write(Window(0, row, cols, height), np.asarray(scores[row : row + height, :, None]))
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
        if self.quality:
            tags["had_quality"] = json.dumps(dict(self.quality))
        if self.facts:
            tags["had_facts"] = json.dumps(json_value(dict(self.facts)))
        if self.weights is not None:
            tags["had_weights"] = printable(self.weights)
        if self.weights_hash is not None:
            tags["had_weights_sha256"] = self.weights_hash
        return tags

    def to_xarray(self) -> Any:
        """Return the score map as an ``xarray.DataArray``, with the scene's coordinates and CRS.

        Its attributes are the map's tags, as :meth:`tags` returns them.

        Raises
        ------
        ImportError
            When xarray is not installed.
        """
        from had_cli.formats.xarrays import labelled_map

        return labelled_map(self.scores, self.scene, self.tags())

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
            "quality": dict(self.quality),
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
    scheduler: Any = None,
    workers: int | None = None,
    memory_limit: int | str | None = None,
    seed: int = 0,
    keep_constant_bands: bool = False,
    progress: Progress | None = None,
    **params: Any,
) -> Detection:
    """Score every pixel of ``scene`` by ``method``.

    Parameters
    ----------
    scene
        A :class:`Scene`, a path, a rows x cols x bands array, or an ``xarray.DataArray`` with named axes.
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
        ``auto``, ``memory``, ``stream`` or ``dask``; auto streams scenes that do not fit into ``memory``,
        dask computes on a cluster whose workers open the file themselves.
    memory
        Bytes, or text such as ``"2GB"``: what blocks and results may take; default a quarter of
        what is free.
    scheduler
        Of the cluster: a ``distributed.Client``, an address, or a scheduler's file; default: workers on this
        machine, which are started and ended with this call.
    workers, memory_limit
        How many processes those are (default: one per core), and the memory of each.
    seed
        For methods that draw at random: the same seed gives the same bytes.
    keep_constant_bands
        Bands that hold one value everywhere, or none, take part as well; by default they are left out, which
        a warning and the fact ``constant_bands`` tell.
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
    cluster = {"scheduler": scheduler, "workers": workers, "memory_limit": memory_limit}
    device = _device(device, engine, **cluster)
    start = time.perf_counter()
    opened, left_out = _as_scene(scene), ""
    _check_background(opened, description)
    origin = origin_of(opened, description.offset_invariant)
    read = opened if origin is None else opened.less(origin)
    if not keep_constant_bands:
        read, left_out = _without_constant(read, loaded, progress)
        opened = read if origin is None else read.less(None)
    stream = engine == "stream" or (engine == "auto" and _in_memory_bytes(opened) > budget)
    shared: dict[str, Any] = {"memory": budget, "results": results_budget(budget, given=memory is not None)}
    shared |= {"seed": seed, "weights": loaded, "progress": progress}
    with (
        _on_a_cluster(read, cluster, shared)
        if engine == "dask"
        else Executor(read, device=device, stream=stream, **shared)
    ) as run:
        if left_out:
            run.warn(left_out)
            run.record(constant_bands=left_out.rsplit(": ", 1)[1])
        if opened.background is not None:
            run.record(background=opened.background.name)
        if device == "mps" and description.double_precision:
            run.leave_device(f"{method} computes in double precision, which mps lacks: continuing on the CPU")
        scores = _checked(function(run, SimpleNamespace(**values)), opened, description, run)
        if run.read_here:
            run.warn(
                f"{method} reads the scene itself for a part of its work (training, say): that part ran in "
                "this process and not on the workers"
            )
        seconds = time.perf_counter() - start
        quality = count_flagged(opened)
        evaluation = _evaluate(scores, opened, truth)
        warnings = (*run.warnings, *(evaluation.warnings if evaluation else ()))
        return Detection(
            scores=scores,
            scene=opened,
            method=method,
            parameters=values,
            device=run.device,
            engine="dask" if engine == "dask" else "stream" if stream else "memory",
            seed=seed,
            seconds=seconds,
            warnings=warnings,
            facts=run.facts,
            evaluation=evaluation,
            weights=None if loaded is None else loaded.name,
            weights_hash=None if loaded is None else loaded.hash,
            quality=quality,
        )


def _device(device: str, engine: str, **cluster: Any) -> str:
    """Return the device to compute on, having checked that the options go together."""
    if engine != "dask":
        for name in (name for name, value in cluster.items() if value is not None):
            raise UsageError(f"--{name.replace('_', '-')} is of use with --engine dask alone")
        return choose_device(device)
    return device_of_workers(device)


@contextmanager
def _on_a_cluster(scene: Scene, cluster: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[Executor]:
    """Return the context of a run on a cluster."""
    from had_cli.engine.cluster.connecting import connected
    from had_cli.engine.cluster.executor import ClusterExecutor

    with connected(**cluster) as found, ClusterExecutor(scene, found, **options) as run:
        yield run


def _as_scene(scene: Scene | str | Path | npt.ArrayLike) -> Scene:
    if isinstance(scene, Scene):
        return scene
    if type(scene).__module__.partition(".")[0] == "xarray":  # axes have names, and any order
        from had_cli.formats.xarrays import scene_of

        return scene_of(scene)
    return open_scene(scene) if isinstance(scene, str | Path) else Scene.from_array(scene)


def _check_background(scene: Scene, method: Method) -> None:
    """Check that a background that the user chose will be used.

    Raises
    ------
    UsageError
        When the method takes its statistics elsewhere.
    """
    if scene.background is not None and not method.background:
        able = ", ".join(sorted(name for name, other in host.methods().items() if other.background))
        raise UsageError(
            f"--background: {method.name} takes no statistics from chosen pixels; these do: {able}"
        )


def _without_constant(scene: Scene, weights: Weights | None, progress: Progress | None) -> tuple[Scene, str]:
    """Return the scene without the bands that say nothing, and the line that tells which those are.

    They stay where weights of exactly these bands would be shifted against the rest: where neither side's
    wavelengths tell which band is which.
    """
    found = constant_bands(scene, progress)
    if not found.bands.any() or found.bands.all():
        return scene, ""
    header = {} if weights is None else weights.header
    ordinal = scene.wavelengths is None or header.get("wavelengths") is None
    if header.get("bands") == scene.shape[2] and ordinal and not found.empty.any():
        return scene, ""
    return scene.select(bands=np.flatnonzero(~found.bands)), left_out(scene, found.bands)


def _in_memory_bytes(scene: Scene) -> int:
    """Return what the scene takes in memory as it is stored, and its scores."""
    stored = scene.source.info.dtype.itemsize
    return int(np.prod(scene.shape, dtype=np.int64)) * stored + 4 * scene.shape[0] * scene.shape[1]


def _checked(scores: Any, scene: Scene, method: Method, run: Executor) -> npt.NDArray[np.float32]:
    """Return a method's result as a score map, or say that it is none.

    Raises
    ------
    HadError
        When the method broke its contract, or no pixel has a finite score.
    """
    array: npt.NDArray[np.float32] = np.asanyarray(scores)
    if array.shape != scene.shape[:2] or array.dtype != np.float32:
        raise HadError(
            f"method {method.name} returned {array.dtype} of shape {array.shape} for a scene of "
            f"{scene.shape[0]} x {scene.shape[1]} pixels; this is an error in its plugin, {_origin(method)}"
        )
    if not np.isfinite(array).any():
        raise HadError(
            f"{scene.path}: {method.name} gives no finite score to any pixel: the values of the scene, or of "
            "the weights, are beyond what it can compute with; see `had info`, or choose another method"
        )
    _refuse_gaps(array, scene, method, run)
    infinite = int(np.count_nonzero(np.isinf(array)))
    if infinite:
        run.warn(
            f"{infinite} of {array.size} pixels have an infinite score by {method.name} (plugin "
            f"{_origin(method)}); they are of no use in the map"
        )
    return array


def _refuse_gaps(scores: npt.NDArray[np.float32], scene: Scene, method: Method, run: Executor) -> None:
    """Refuse a map that is NaN where a pixel is valid: it would be compared over fewer pixels than others.

    Raises
    ------
    HadError
        With the place of the first such pixel.
    """
    gaps = np.isnan(scores)
    absent = int(np.count_nonzero(gaps))
    if not absent or scores.size - absent == run.valid_pixels:
        return
    invalid = np.isnan(run.map(_Zero(), label="valid pixels"))  # a pass more, but only where counts differ
    lost = np.argwhere(gaps & ~invalid)
    if len(lost):
        row, col = map(int, lost[0])
        raise HadError(
            f"{scene.path}: {method.name} gives NaN to {len(lost)} of {np.count_nonzero(~invalid)} valid "
            f"pixels, first at column {col}, row {row}; this is an error in its plugin, {_origin(method)}, "
            "unless the values there are absurd: then leave them out with --mask"
        )


class _Zero:
    """Block map to 0, which the run replaces by NaN at invalid pixels."""

    def __call__(self, block: Block) -> Any:
        return block.core_of(block.cube)[..., 0] * 0


def _origin(method: Method) -> str:
    return next((p.origin for p in host.plugins() if method in p.offer.methods), "unknown")


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
