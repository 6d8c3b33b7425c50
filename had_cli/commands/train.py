"""``had train``: from scenes to weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from had_cli.commands import options
from had_cli.commands.arguments import completed_words, named_method
from had_cli.commands.common_options import Json, LogJson, Quiet, Verbose
from had_cli.commands.configuration import in_force, settings
from had_cli.commands.messages import Messages, facts
from had_cli.commands.method_options import GIVEN, Chosen, complete_weights, with_method_options
from had_cli.commands.outcome import guarded

Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENE",
        show_default=False,
        help="Scene files, GDAL URLs, or folders of scenes; of a folder like HAD100's, those in train/.",
    ),
]
Output = Annotated[
    Path, typer.Option("--out", "-o", metavar="WEIGHTS", help="The safetensors file to write.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", show_default=False, help="Folder that keeps the state of the training."),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue from the state in --checkpoint; begin where there is none.")
]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="WEIGHTS",
        show_default=False,
        help="Weights that the training begins from, a file or a name of those that come with had: they "
        "learn on from your own scenes.",
        autocompletion=complete_weights,
    ),
]
LogFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        show_default=False,
        help="Log of the numbers of every epoch: JSON lines, or CSV where the name ends in .csv.",
    ),
]
TensorBoard = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER", show_default=False, help="The same for TensorBoard, where it is installed."
    ),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:
    """Add the command, with the options of the method that ``words`` name, to ``app``."""
    hint = (
        "" if named_method(words) else "\n\nhad train -m METHOD --help shows the options of a method as well."
    )
    configured = in_force(settings(), "train").get("method")
    default = Chosen(None, "") if configured is None else Chosen(str(configured.value), configured.source)
    command = guarded(
        with_method_options(train, "train_params", words, default, lenient=bool(completed_words()))
    )
    app.command("train", help=summary + hint)(command)


def train(
    scenes: Scenes,
    out: Output,
    method: options.Method = None,
    from_weights: From = None,
    overwrite: options.Overwrite = False,
    checkpoint: Checkpoint = None,
    resume: Resume = False,
    log_file: LogFile = None,
    tensorboard: TensorBoard = None,
    variable: options.Variable = None,
    bands: options.Bands = None,
    exclude_bands: options.ExcludeBands = None,
    keep_constant_bands: options.KeepConstantBands = False,
    window: options.WindowOption = None,
    mask: options.Mask = None,
    quality: options.Quality = None,
    device: options.Device = "auto",
    seed: options.Seed = 0,
    json: Json = False,
    log_json: LogJson = None,
    quiet: Quiet = False,
    verbose: Verbose = False,
    method_origin: str = GIVEN,
    **params: Any,
) -> None:
    """Train a method's weights on scenes."""
    method = cast("str", method)  # with_method_options fills it in
    from contextlib import ExitStack

    from had_cli.commands.event_log import event_log
    from had_cli.detection.parameters import check_paths
    from had_cli.scenes.folders import training_scenes
    from had_cli.scenes.inputs import refuse_clashes, refuse_within
    from had_cli.scenes.open import open_scene
    from had_cli.training import train as training

    messages = Messages(as_json=json, quiet=quiet, verbose=verbose)
    if method_origin != GIVEN:
        messages.note(f"method: {method} ({method_origin})")
    description, _ = training.trainable(method)
    paths = training_scenes(scenes)
    made, given = check_paths(description, params, training=True, resume=resume)
    refuse_clashes(
        [
            ("the weights", out),
            *([] if log_file is None else [("the log", log_file)]),
            *([] if log_json is None else [("the log of --log-json", log_json)]),
            *((f"the file of {option}", path) for option, path in made.items()),
        ],
        [
            *(("a scene of the training", path) for path in paths),
            ("the mask", mask),
            (
                "the weights to begin from",
                from_weights if from_weights and Path(from_weights).exists() else None,
            ),
            *((f"the file of {option}", path) for option, path in given.items()),
        ],
    )
    if log_json is not None:
        state = [("the folder of --checkpoint", checkpoint), ("the folder of --tensorboard", tensorboard)]
        refuse_within(log_json, state)
    told: dict[str, Any] = {"method": method, "scenes": [str(path) for path in paths], "output": str(out)}
    with ExitStack() as stack:
        messages.log = stack.enter_context(
            event_log(log_json, "train", overwrite=overwrite, resume=resume, **told)
        )
        opened = [
            stack.enter_context(
                open_scene(
                    path,
                    variable=variable,
                    bands=bands,
                    exclude_bands=exclude_bands,
                    window=window,
                    mask=mask,
                    quality=quality,
                )
            )
            for path in paths
        ]
        for scene in opened:
            for note in scene.info.notes:
                messages.note(f"{scene.path}: {note}")
        progress = stack.enter_context(
            messages.progress(f"training {method}", params.get("epochs"), "epochs")
        )
        weights = training.train(
            opened,
            method,
            out,
            device=device,
            seed=seed,
            overwrite=overwrite,
            checkpoint=checkpoint,
            resume=resume,
            keep_constant_bands=keep_constant_bands,
            log_file=log_file,
            tensorboard=tensorboard,
            from_weights=from_weights,
            progress=progress,
            warn=messages.warn,
            **params,
        )
        if json:
            messages.document({"output": str(out), "sha256": weights.hash, **weights.header})
            return
        messages.result(f"{out}: weights of {method}, sha256 {weights.hash}")
        messages.detail(f"parameters: {facts(weights.header['parameters']) or 'none'}")
