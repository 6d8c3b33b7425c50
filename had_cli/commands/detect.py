"""``had detect``: from scenes to anomaly maps."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from had_cli.commands import answers, options
from had_cli.commands.arguments import completed_words, named_method
from had_cli.commands.clusters import cluster_of
from had_cli.commands.common_options import Debug, Json, LogJson, Quiet, Verbose
from had_cli.commands.configuration import in_force, settings
from had_cli.commands.messages import Messages
from had_cli.commands.method_options import GIVEN, Chosen, complete_weights, with_method_options
from had_cli.commands.numbers import integer, within
from had_cli.commands.outcome import FAILED, guarded
from had_cli.detection.default import DEFAULT_METHOD
from had_cli.errors import UsageError

if TYPE_CHECKING:
    from had_cli.weights.file import Weights as WeightsFile

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
    str | None,  # as a path it would lose the slash that says folder
    typer.Option(
        "--out",
        "-o",
        metavar="OUT",
        show_default=False,
        help="The map (.tif, .hdr, .zarr, .mat, .npy, .npz), or a folder, made if need be, for the maps of "
        "several scenes; default: SCENE_METHOD.tif here.",
    ),
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Of a folder, take the scenes in the folders below, too.")
]
Summary = Annotated[
    Path | None,
    typer.Option(
        "--summary",
        metavar="FILE",
        show_default=False,
        help="Write a row for each scene (.csv): map, threshold, places, AUC, seconds, and what failed.",
    ),
]
Jobs = Annotated[
    int,
    typer.Option(
        "--jobs",
        "-j",
        parser=integer,
        callback=within(1, 1024),
        metavar="N",
        help="Scenes at a time, each in a process of its own; the cores are shared among them.",
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
    recursive: Recursive = False,
    summary: Summary = None,
    jobs: Jobs = 1,
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
    from dataclasses import replace

    from had_cli.commands.event_log import event_log
    from had_cli.commands.jobs import run_all
    from had_cli.commands.many import Task, tell_together
    from had_cli.commands.outputs import plan_outputs
    from had_cli.detection.parameters import check_paths
    from had_cli.plugin import host
    from had_cli.scenes.folders import scenes_below
    from had_cli.scenes.inputs import refuse_clashes
    from had_cli.weights.chosen import weights_for
    from had_cli.weights.models import find_weights

    if jobs > 1 and engine is options.EngineName.dask:
        raise UsageError(
            "--jobs is of no use with --engine dask, whose workers share every scene; leave it out"
        )
    messages = Messages(as_json=json, quiet=quiet, verbose=verbose)
    _say_method(messages, method, method_origin)
    file = str(find_weights(weights).path) if weights is not None else None
    made, given = check_paths(host.method(method), params)
    scenes, passed, of_folder = scenes_below(scenes, recursive=recursive)
    for note in passed:
        messages.note(note)
    several = len(scenes) > 1 or of_folder
    layers = answers.is_one_file(vector, several=several)
    if made and several:
        raise UsageError(f"{next(iter(made))} names one file; give one scene at a time")
    read = {"the truth": truth, "the mask": mask, "the weights file": file}
    read |= {"the background": background, "the excluded background": background_exclude}
    read |= {f"the file of {option}": str(path) for option, path in given.items()}
    outputs = plan_outputs(scenes, method, out, overwrite=overwrite, others=read, several=several, cog=cog)
    answers.check_options(threshold, mask_out, vector, outputs, method, summary, overwrite=overwrite)
    for output in outputs:
        refuse_clashes(
            [
                ("the map", output),
                ("the mask of the anomalies", answers.beside(mask_out, output, "_mask")),
                ("the file of places", answers.beside(vector, output)),
                ("the log", log_json),
                ("the summary", summary),
                *((f"the file of {option}", path) for option, path in made.items()),
            ],
            [*(("the scene", scene) for scene in scenes), *read.items()],
        )
    loaded = weights_for(host.method(method), weights)
    if loaded is not None:
        messages.note(_weights_line(loaded))
    task = Task(
        method=method,
        method_from=method_origin,
        weights=weights,
        params=params,
        opening={
            "variable": variable,
            "truth_variable": None if truth else truth_variable,
            "bands": bands,
            "exclude_bands": exclude_bands,
            "window": window,
            "mask": mask,
            "quality": quality,
            "background": background,
            "background_exclude": background_exclude,
        },
        running={
            "device": device,
            "engine": engine.value,
            "memory": memory,
            "seed": seed,
            "keep_constant_bands": keep_constant_bands,
        },
        truth=truth,
        truth_variable=truth_variable,
        ortho=ortho,
        cog=cog,
        threshold=threshold,
        mask_out=mask_out,
        vector=None if layers else vector,
        min_pixels=min_pixels,
        overwrite=overwrite,
    )
    told: dict[str, Any] = {
        "method": method,
        "scenes": list(scenes),
        "outputs": [str(output) for output in outputs],
    }
    with event_log(log_json, "detect", overwrite=overwrite, **told) as messages.log:
        pairs = list(zip(scenes, outputs, strict=True))
        with cluster_of(
            engine, scheduler=scheduler, workers=workers, memory_limit=memory_limit, messages=messages
        ) as cluster:
            if cluster is not None:
                task = replace(task, running={**task.running, "scheduler": cluster})
            found = run_all(task, pairs, messages, loaded, jobs=jobs, debug=debug)
        together = vector if layers else None
        tell_together(found, messages, vector=together, summary=summary, several=several, overwrite=overwrite)
        if any(each.failed for each in found):
            raise typer.Exit(FAILED)


def _say_method(messages: Messages, method: str, origin: str) -> None:
    if origin != GIVEN:
        messages.note(f"method: {method} ({origin}; choose another with -m)")


def _weights_line(weights: WeightsFile) -> str:
    from had_cli.weights.models import bundled_models, trained_on

    scenes = trained_on(weights.header)
    names = ", ".join(scenes[:4]) + (f" and {len(scenes) - 4} more" if len(scenes) > 4 else "")
    origin = next((f", of {m.bundled}" for m in bundled_models() if m.sha256 == weights.hash), "")
    return f"weights: {weights.name}{origin}; trained on {names or 'unknown scenes'}; sha256 {weights.hash}"
