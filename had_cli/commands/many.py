"""``had detect`` on one scene of several, and what is written of all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from had_cli.commands import answers
from had_cli.commands.messages import Messages, facts, told_counts
from had_cli.commands.outcome import report
from had_cli.errors import ClusterError, DeviceError, PluginError, UsageError, WeightsError, message

if TYPE_CHECKING:
    from had_cli.detection.detect import Detection
    from had_cli.results.places.collection import Places
    from had_cli.results.places.ground import Ground
    from had_cli.results.places.place import Place
    from had_cli.scenes.scene import Scene

# what would be wrong with every scene is told once
_FOR_ALL_SCENES = (ClusterError, DeviceError, PluginError, UsageError, WeightsError)


@dataclass(frozen=True, kw_only=True)
class Task:
    """What is done with every scene; it can be sent to another process.

    Attributes
    ----------
    opening, running : options of :func:`had_cli.open_scene` and :func:`had_cli.detect`
    """

    method: str
    method_from: str
    weights: str | None
    params: Mapping[str, Any]
    opening: Mapping[str, Any]
    running: Mapping[str, Any]
    truth: str | None
    truth_variable: str | None
    ortho: bool
    cog: bool
    threshold: str | None
    mask_out: Path | None
    vector: Path | None
    min_pixels: int
    overwrite: bool


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of one scene: its JSON document, and the places if there is a threshold."""

    scene: str
    output: Path
    document: dict[str, Any]
    failed: bool = False
    places: tuple[Sequence[Place], Ground] | None = field(default=None, repr=False)


def attempt(task: Task, scene: str, output: Path, messages: Messages, loaded: Any, *, debug: bool) -> Done:
    """Return what came of one scene, its failure included.

    Raises
    ------
    HadError
        What would be wrong with every scene.
    """
    try:
        document, places = run_one(task, scene, output, messages, loaded)
    except _FOR_ALL_SCENES:
        raise
    except Exception as error:  # noqa: BLE001 - reported, and the status tells it
        report(error, debug=debug)
        messages.failed(message(error))
        return failure(scene, output, error)
    known = None if places is None else (places.places, places.ground)
    return Done(scene=scene, output=output, document=document, places=known)


def failure(scene: str, output: Path, error: Exception) -> Done:
    """Return what is told of a scene that failed."""
    told = {"scene": scene, "error": message(error)}
    return Done(scene=scene, output=output, document=told, failed=True)


def run_one(
    task: Task, path: str, output: Path, messages: Messages, loaded: Any
) -> tuple[dict[str, Any], Places | None]:
    """Detect in one scene, write what is wanted of it, and tell it.

    Raises
    ------
    HadError
        When the data or the run fails.
    """
    from had_cli import api
    from had_cli.commands.outputs import make_folder
    from had_cli.scenes.open import open_scene

    with open_scene(path, **task.opening) as scene:
        for note in scene.info.notes:
            messages.note(f"{path}: {note}")
        with messages.progress(scene.name, scene.shape[0] * scene.shape[1]) as progress:
            detection = api.detect(
                scene,
                task.method,
                weights=loaded,
                truth=_truth(task.truth, scene, task.truth_variable),
                progress=progress,
                **task.running,
                **task.params,
            )
        make_folder(output.parent)
        detection.save(output, overwrite=task.overwrite, ortho=task.ortho, cog=task.cog)
        _print_result(messages, path, output, detection)
        table = scene.ortho if task.ortho else None
        document = {
            "output": str(output),
            "ortho": table is not None,
            **detection.to_json(),
            "method_from": task.method_from,
        }
        if task.threshold is None:
            return document, None
        from had_cli.results.places.answer import answer

        found = answer(
            detection.scores,
            scene.info,
            task.threshold,
            tags=detection.tags(),
            scene=detection.scene,
            min_pixels=task.min_pixels,
            mask=answers.beside(task.mask_out, output, "_mask"),
            vector=answers.beside(task.vector, output),
            seed=task.running["seed"],
            overwrite=task.overwrite,
            ortho=table,
        )
        answers.print_answer(messages, path, found)
        return document | found.to_json(), found.places


def tell_together(
    found: Sequence[Done],
    messages: Messages,
    *,
    vector: Path | None,
    summary: Path | None,
    several: bool,
    overwrite: bool,
) -> None:
    """Write what is wanted of all scenes together, and print the JSON document if that is wanted."""
    if vector is not None:
        write_layers(found, vector, messages, overwrite=overwrite)
    if summary is not None:
        write_summary(found, summary, overwrite=overwrite)
        messages.result(f"{summary}: a row for each of {len(found)} scenes")
    if messages.as_json:
        documents = [each.document for each in found]
        messages.document({"scenes": documents} if several else documents[0])


def write_layers(found: Sequence[Done], path: Path, messages: Messages, *, overwrite: bool) -> None:
    """Write the places of all scenes into one GeoPackage, a layer for each, called like its map."""
    from had_cli.results.places.writing import save_layers

    layers = {}
    for each in found:
        if each.places is not None:
            each.document.update(vector=str(path), layer=each.output.stem)
            layers[each.output.stem] = each.places
    if layers:
        save_layers(layers, path, overwrite=overwrite)
        messages.result(f"{path}: places of {len(layers)} maps, a layer for each")


_COLUMNS = (
    "scene", "output", "method", "valid_pixels", "auc", "threshold", "pixels_above", "places", "highest_peak",
    "area_m2", "seconds", "device", "warnings", "error",
)  # fmt: skip


def write_summary(found: Sequence[Done], path: Path, *, overwrite: bool) -> None:
    """Write a row of comma-separated values for each scene."""
    from had_cli.files import write_whole
    from had_cli.results.spreadsheet import comma_separated

    rows = [_row(each) for each in found]
    text = comma_separated([_COLUMNS, *([row.get(name) for name in _COLUMNS] for row in rows)])
    write_whole(path, text.encode("utf-8", "surrogateescape"), overwrite=overwrite)


def _row(each: Done) -> dict[str, Any]:
    document = each.document
    row = {name: document.get(name) for name in _COLUMNS if name in document}
    row["warnings"] = len(document.get("warnings", ()))
    if "threshold" in document:
        threshold, places = document["threshold"], document["places"]
        areas = [place["area_m2"] for place in places if place["area_m2"] is not None]
        row |= {"threshold": threshold["value"], "pixels_above": threshold["pixels"], "places": len(places)}
        row |= {"highest_peak": places[0]["peak_score"] if places else None}
        row |= {"area_m2": sum(areas) if areas else None}
    return row


def _truth(path: str | None, scene: Scene, variable: str | None) -> Any:
    """Return the truth in a file, of the whole scene, cut to the window in use; None for none given."""
    if path is None:
        return None
    from had_cli.scenes.open import open_truth

    rows, cols, _ = scene.source.info.shape
    return open_truth(path, (rows, cols), variable)[scene.window.rows, scene.window.cols]


def _print_result(messages: Messages, path: str, output: Path, detection: Detection) -> None:
    for warning in detection.warnings:
        messages.warn(f"{path}: {warning}")
    if detection.quality:
        messages.note(f"{path}: quality masks leave out: {told_counts(detection.quality)}")
    rows, cols, bands = detection.scene.shape
    valid = "" if detection.valid_pixels == rows * cols else f"{detection.valid_pixels} of "
    size = f"{valid}{rows * cols} pixels, {bands} bands"
    messages.result(f"{output}: {detection.method}, {size}, {detection.seconds:.1f} s on {detection.device}")
    if detection.evaluation is not None:
        found = detection.evaluation
        messages.result(f"  AUC(D,F) {found.auc:.4f} ({found.anomalous} anomalous pixels)")
    messages.detail(f"parameters: {facts(detection.parameters) or 'none'}")
    messages.detail(f"engine: {detection.engine}, seed {detection.seed}")
    if detection.facts:
        messages.detail(f"facts: {facts(detection.facts)}")
