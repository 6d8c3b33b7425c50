"""``had detect``: from scenes to anomaly maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from had_cli.commands import answers, options
from had_cli.commands.arguments import completed_words, named_method
from had_cli.commands.clusters import cluster_of
from had_cli.commands.common_options import Debug, Json, LogJson, Quiet, Verbose
from had_cli.commands.configuration import in_force, settings
from had_cli.commands.messages import Messages, facts, told_counts
from had_cli.commands.method_options import GIVEN, Chosen, complete_weights, with_method_options
from had_cli.commands.outcome import FAILED, guarded, report
from had_cli.detection.default import DEFAULT_METHOD
from had_cli.errors import ClusterError, DeviceError, PluginError, UsageError, WeightsError, message

if TYPE_CHECKING:
    from had_cli.detection.detect import Detection
    from had_cli.scenes.scene import Scene
    from had_cli.weights.file import Weights as WeightsFile

# what would be wrong with every scene is told once
_FOR_ALL_SCENES = (ClusterError, DeviceError, PluginError, UsageError, WeightsError)

Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        "-w",
        metavar="WEIGHTS",
        show_default=False,
        help="Trained weights: a file, or a name in had models list; default: those that come with a method "
        "which needs some.",
        autocompletion=complete_weights,
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="OUT",
        show_default=False,
        help="The map (.tif, .hdr, .mat, .npy, .npz), or a folder for the maps of several scenes; "
        "default: SCENE_METHOD.tif here.",
    ),
]
Truth = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Truth to evaluate against; default: the scene's own, if it has one."),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:
    """Add the command, with the options of the method that ``words`` name, to ``app``."""
    default = default_method()
    hint = (
        ""
        if named_method(words)
        else f"\n\nWithout -m, {default.name} runs; had detect -m METHOD --help shows the options of METHOD."
    )
    command = guarded(with_method_options(detect, "params", words, default, lenient=bool(completed_words())))
    app.command("detect", help=summary + hint)(command)


def default_method() -> Chosen:
    """Return the method that runs where none is named."""
    chosen = in_force(settings(), "detect").get("method")
    if chosen is None:
        return Chosen(DEFAULT_METHOD, "default")
    return Chosen(str(chosen.value), chosen.source)


def detect(
    scenes: options.Scenes,
    method: options.Method = None,
    weights: Weights = None,
    out: Out = None,
    overwrite: options.Overwrite = False,
    truth: Truth = None,
    variable: options.Variable = None,
    truth_variable: options.TruthVariable = None,
    bands: options.Bands = None,
    exclude_bands: options.ExcludeBands = None,
    keep_constant_bands: options.KeepConstantBands = False,
    window: options.WindowOption = None,
    mask: options.Mask = None,
    quality: options.Quality = None,
    background: options.BackgroundOption = None,
    background_exclude: options.BackgroundExclude = None,
    ortho: options.Ortho = True,
    cog: options.Cog = False,
    threshold: answers.ThresholdRule = None,
    mask_out: answers.MaskOut = None,
    vector: answers.Vector = None,
    min_pixels: answers.MinPixels = 1,
    device: options.Device = "auto",
    engine: options.Engine = options.EngineName.auto,
    memory: options.Memory = None,
    scheduler: options.Scheduler = None,
    workers: options.Workers = None,
    memory_limit: options.MemoryLimit = None,
    seed: options.Seed = 0,
    json: Json = False,
    log_json: LogJson = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    debug: Debug = False,
    method_origin: str = GIVEN,
    **params: Any,
) -> None:
    """Map the anomalies of scenes."""
    method = cast("str", method)  # with_method_options fills it in
    from had_cli import api
    from had_cli.commands.event_log import event_log
    from had_cli.commands.outputs import make_folder, plan_outputs
    from had_cli.detection.parameters import check_paths
    from had_cli.plugin import host
    from had_cli.scenes.inputs import refuse_clashes
    from had_cli.scenes.open import open_scene
    from had_cli.weights.chosen import weights_for
    from had_cli.weights.models import find_weights

    messages = Messages(as_json=json, quiet=quiet, verbose=verbose)
    _say_method(messages, method, method_origin)
    file = str(find_weights(weights).path) if weights is not None else None
    made, given = check_paths(host.method(method), params)
    if made and len(scenes) > 1:
        raise UsageError(f"{next(iter(made))} names one file; give one scene at a time")
    read = {"the truth": truth, "the mask": mask, "the weights file": file}
    read |= {"the background": background, "the excluded background": background_exclude}
    read |= {f"the file of {option}": str(path) for option, path in given.items()}
    outputs = plan_outputs(scenes, method, out, overwrite=overwrite, others=read, cog=cog)
    answers.check_options(threshold, mask_out, vector, outputs, method, overwrite=overwrite)
    for output in outputs:
        refuse_clashes(
            [
                ("the map", output),
                ("the mask of the anomalies", answers.beside(mask_out, output, "_mask")),
                ("the file of places", answers.beside(vector, output)),
                ("the log", log_json),
                *((f"the file of {option}", path) for option, path in made.items()),
            ],
            [*(("the scene", scene) for scene in scenes), *read.items()],
        )
    loaded = weights_for(host.method(method), weights)
    if loaded is not None:
        messages.note(_weights_line(loaded))

    def one(path: str, output: Path) -> dict[str, Any]:
        with open_scene(
            path,
            variable=variable,
            truth_variable=None if truth else truth_variable,
            bands=bands,
            exclude_bands=exclude_bands,
            window=window,
            mask=mask,
            quality=quality,
            background=background,
            background_exclude=background_exclude,
        ) as scene:
            for note in scene.info.notes:
                messages.note(f"{path}: {note}")
            with messages.progress(scene.name, scene.shape[0] * scene.shape[1]) as progress:
                detection = api.detect(
                    scene,
                    method,
                    weights=loaded,
                    truth=_truth(truth, scene, truth_variable),
                    device=device,
                    engine=engine.value,
                    memory=memory,
                    scheduler=cluster,
                    seed=seed,
                    keep_constant_bands=keep_constant_bands,
                    progress=progress,
                    **params,
                )
            if len(scenes) > 1:
                make_folder(output.parent)
            detection.save(output, overwrite=overwrite, ortho=ortho, cog=cog)
            _print_result(messages, path, output, detection)
            table = scene.ortho if ortho else None
            document = {
                "output": str(output),
                "ortho": table is not None,
                **detection.to_json(),
                "method_from": method_origin,
            }
            if threshold is not None:
                from had_cli.results.places.answer import answer

                found = answer(
                    detection.scores,
                    scene.info,
                    threshold,
                    tags=detection.tags(),
                    scene=detection.scene,
                    min_pixels=min_pixels,
                    mask=answers.beside(mask_out, output, "_mask"),
                    vector=answers.beside(vector, output),
                    seed=seed,
                    overwrite=overwrite,
                    ortho=table,
                )
                answers.print_answer(messages, path, found)
                document |= found.to_json()
            return document

    told = {"method": method, "scenes": list(scenes), "outputs": [str(output) for output in outputs]}
    with event_log(log_json, "detect", overwrite=overwrite, **told) as messages.log:
        with cluster_of(
            engine, scheduler=scheduler, workers=workers, memory_limit=memory_limit, messages=messages
        ) as cluster:
            documents, failed = _each(one, scenes, outputs, messages, debug=debug)
        if json:
            messages.document(documents[0] if len(scenes) == 1 else {"scenes": documents})
        if failed:
            raise typer.Exit(FAILED)


def _each(
    one: Callable[[str, Path], dict[str, Any]],
    scenes: Sequence[str],
    outputs: Sequence[Path],
    messages: Messages,
    *,
    debug: bool,
) -> tuple[list[dict[str, Any]], bool]:
    """Return a document per scene, and whether any failed; a bad scene does not stop the others."""
    documents, failed = [], False
    for path, output in zip(scenes, outputs, strict=True):
        try:
            documents.append(one(path, output))
        except _FOR_ALL_SCENES:
            raise
        except Exception as error:  # noqa: BLE001 - reported, and the status tells it
            report(error, debug=debug)
            messages.failed(message(error))
            documents.append({"scene": path, "error": message(error)})
            failed = True
    return documents, failed


def _say_method(messages: Messages, method: str, origin: str) -> None:
    if origin != GIVEN:
        messages.note(f"method: {method} ({origin}; choose another with -m)")


def _truth(path: str | None, scene: Scene, variable: str | None) -> Any:
    """Return the truth in a file, of the whole scene, cut to the window in use; None for none given."""
    if path is None:
        return None
    from had_cli.scenes.open import open_truth

    rows, cols, _ = scene.source.info.shape
    return open_truth(path, (rows, cols), variable)[scene.window.rows, scene.window.cols]


def _weights_line(weights: WeightsFile) -> str:
    from had_cli.weights.models import bundled_models, trained_on

    scenes = trained_on(weights.header)
    names = ", ".join(scenes[:4]) + (f" and {len(scenes) - 4} more" if len(scenes) > 4 else "")
    origin = next((f", of {m.bundled}" for m in bundled_models() if m.sha256 == weights.hash), "")
    return f"weights: {weights.name}{origin}; trained on {names or 'unknown scenes'}; sha256 {weights.hash}"


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
