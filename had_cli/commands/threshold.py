"""``had threshold``: from a score map to a mask and a list of places."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from had_cli.commands import answers
from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages
from had_cli.commands.options import Overwrite, Seed, Variable, WindowOption
from had_cli.commands.outcome import guarded

Scores = Annotated[str, typer.Argument(metavar="SCORES", help="Score map; higher is more anomalous.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="MASK",
        show_default=False,
        help="Write the mask (.tif, .hdr, .mat, .npy, .npz): 1 anomalous, 0 not, 255 without a score.",
    ),
]
SceneOption = Annotated[
    str | None,
    typer.Option(
        "--scene",
        metavar="SCENE",
        help="The scene of the map: tells in which bands each place differs from its surroundings.",
    ),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("threshold", help=summary)(guarded(threshold))


def threshold(
    scores: Scores,
    rule: answers.Rule = None,
    out: Out = None,
    vector: answers.Vector = None,
    min_pixels: answers.MinPixels = 1,
    scene: SceneOption = None,
    window: WindowOption = None,
    variable: Variable = None,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Threshold a score map."""
    from contextlib import ExitStack

    from had_cli.errors import UsageError
    from had_cli.results.places.answer import answer
    from had_cli.results.threshold import parse_rule
    from had_cli.scenes.inputs import refuse_clashes
    from had_cli.scenes.open import open_scene, open_scores
    from had_cli.scenes.ortho import as_scored

    messages = Messages(as_json=json, quiet=quiet)
    wanted = parse_rule(answers.needed_rule(rule, f"had threshold {scores}"))
    if window is not None and scene is None:
        raise UsageError("--window is the part of --scene that the map was made of; give --scene as well")
    polygons = answers.beside(vector, Path(Path(scores).name))
    refuse_clashes(
        [("the mask", out), ("the file of places", polygons)],
        [("the score map", scores), ("the scene", scene)],
    )
    answers.check_paths(out, polygons, overwrite=overwrite)
    values, info = open_scores(scores, variable)
    with ExitStack() as stack:
        opened = None if scene is None else stack.enter_context(open_scene(scene, window=window))
        opened = None if opened is None else as_scored(opened, values.shape)
        found = answer(
            values,
            info,
            wanted,
            tags=info.tags,
            scene=opened,
            min_pixels=min_pixels,
            mask=out,
            vector=polygons,
            seed=seed,
            overwrite=overwrite,
        )
    if json:
        messages.document({"scores": scores, **found.to_json(), "notes": list(found.places.notes)})
    else:
        messages.result(scores)
    answers.print_answer(messages, scores, found)
