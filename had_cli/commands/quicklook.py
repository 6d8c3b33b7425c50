"""``had quicklook``: a scene and its score map as a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from had_cli.commands import answers, options
from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages
from had_cli.commands.numbers import integer, within
from had_cli.commands.outcome import guarded

if TYPE_CHECKING:
    from had_cli.scenes.scene import Scene

SceneArgument = Annotated[str, typer.Argument(metavar="SCENE", help="Scene file or GDAL URL.")]
Scores = Annotated[
    str | None, typer.Argument(metavar="SCORES", show_default=False, help="Score map of the scene.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE.png",
        show_default=False,
        help="The picture; default: SCENE_quicklook.png here.",
    ),
]
Rgb = Annotated[
    str | None,
    typer.Option(
        metavar="R,G,B",
        help="Bands shown as red, green and blue: numbers from 1, or wavelengths such as 2200nm,850nm,550nm; "
        "default: near 650, 550 and 450 nm, or 3/4, 1/2 and 1/4 of the bands.",
    ),
]
Overlay = Annotated[
    bool,
    typer.Option("--overlay", help="Lay the scores over the composite instead of beside it."),
]
Threshold = Annotated[
    str | None,
    typer.Option(
        metavar="RULE",
        show_default=False,
        help="Ring the places that reach a threshold, as in had threshold.",
        autocompletion=answers.complete_rule,
    ),
]
Truth = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Truth to ring in the composite; default: the scene's own."),
]
Side = Annotated[
    int,
    typer.Option(
        "--size",
        parser=integer,
        callback=within(16, 20_000),
        metavar="PIXELS",
        help="Longest side; larger scenes are thinned out.",
    ),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("quicklook", help=summary)(guarded(quicklook))


def quicklook(
    scene: SceneArgument,
    scores: Scores = None,
    out: Out = None,
    rgb: Rgb = None,
    overlay: Overlay = False,
    threshold: Threshold = None,
    truth: Truth = None,
    size: Side = 1000,
    overwrite: options.Overwrite = False,
    variable: options.Variable = None,
    truth_variable: options.TruthVariable = None,
    window: options.WindowOption = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Draw a scene."""
    from had_cli.errors import UsageError
    from had_cli.files import refuse_existing
    from had_cli.results import picture
    from had_cli.results.threshold import parse_rule
    from had_cli.results.threshold import threshold as find_threshold
    from had_cli.scenes.inputs import refuse_inputs
    from had_cli.scenes.open import open_scene, open_scores, open_truth
    from had_cli.scenes.ortho import as_scored
    from had_cli.scenes.source import stem

    messages = Messages(as_json=json, quiet=quiet)
    for name, given in (("--overlay", overlay), ("--threshold", threshold)):
        if given and scores is None:
            raise UsageError(f"{name} needs a score map: had quicklook SCENE SCORES")
    rule = None if threshold is None else parse_rule(threshold)
    path = out or Path(f"{stem(scene)}_quicklook.png")
    refuse_inputs(path, [("the scene", scene), ("the score map", scores), ("the truth", truth)])
    refuse_existing(path, overwrite=overwrite)
    # all bands, those marked bad too, where the user names some: a quick look may be at them
    with open_scene(
        scene,
        variable=variable,
        truth_variable=None if truth else truth_variable,
        bands=None if rgb is None else "1-",
        window=window,
    ) as opened:
        for note in opened.info.notes:
            messages.note(f"{scene}: {note}")
        rows, cols, _ = opened.source.info.shape
        known = (
            opened.truth
            if truth is None
            else open_truth(truth, (rows, cols), truth_variable)[opened.window.rows, opened.window.cols]
        )
        values, info = (None, None) if scores is None else open_scores(scores)
        shown_scene = opened if values is None else as_scored(opened, values.shape)
        if shown_scene is not opened:  # the truth lies on the sensor's grid
            known = None
        found = None
        if rule is not None and values is not None and info is not None:
            found = find_threshold(values, rule, tags=info.tags)
            for warning in found.warnings:
                messages.warn(f"{scores}: {warning}")
        chosen = picture.composite_bands(opened) if rgb is None else _parse_rgb(rgb, opened)
        picture.quicklook(
            shown_scene,
            path,
            scores=values,
            truth=known,
            marked=None if found is None or values is None else found.mask(values),
            title="score" if scores is None else stem(scores),
            overlay=overlay,
            rgb=chosen,
            longest_side=size,
            overwrite=overwrite,
        )
        shown = [int(opened.bands[band]) + 1 for band in chosen]
    if json:
        messages.document(
            {
                "scene": scene,
                "scores": scores,
                "output": str(path),
                "rgb": shown,
                "threshold": None if found is None else found.to_json(),
            }
        )
        return
    messages.result(f"{path}: bands {', '.join(map(str, shown))} as red, green and blue")


def _parse_rgb(text: str, scene: Scene) -> tuple[int, int, int]:
    """Return the three 0-based bands that ``text`` names, in its order."""
    from had_cli.errors import UsageError
    from had_cli.scenes.selection import parse_bands

    items = text.split(",")
    found = [parse_bands(item, scene.shape[2], scene.wavelengths) for item in items]
    if len(found) != 3 or any(len(bands) != 1 for bands in found):
        raise UsageError(
            f"--rgb takes three bands or wavelengths, such as 30,20,10 or 650nm,550nm,450nm, not {text!r}"
        )
    red, green, blue = (int(bands[0]) for bands in found)
    return red, green, blue
