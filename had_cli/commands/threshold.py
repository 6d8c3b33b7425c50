"""``had threshold``: from a score map to a mask and a list of places."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from had_cli.commands import answers
from had_cli.commands.common_options import Debug, Json, Quiet
from had_cli.commands.many import Done, write_layers
from had_cli.commands.messages import Messages
from had_cli.commands.options import Overwrite, Seed, Variable, WindowOption
from had_cli.commands.outcome import FAILED, guarded, report
from had_cli.errors import UsageError, message

if TYPE_CHECKING:
    from had_cli.results.places.answer import Answer
    from had_cli.results.threshold import Rule

Scores = Annotated[
    list[str],
    typer.Argument(metavar="SCORES", help="Score maps; higher is more anomalous.", show_default=False),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="MASK",
        show_default=False,
        help="Write the mask (.tif, .hdr, .zarr, .mat, .npy, .npz): 1 anomalous, 0 not, 255 without a score. "
        "A suffix alone (.tif), needed with several maps: MAP_mask.tif here.",
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
    debug: Debug = False,
) -> None:
    """Threshold score maps."""
    from had_cli.results.threshold import parse_rule
    from had_cli.scenes.inputs import refuse_clashes

    messages = Messages(as_json=json, quiet=quiet)
    wanted = parse_rule(answers.needed_rule(rule, f"had threshold {scores[0]}"))
    if window is not None and scene is None:
        raise UsageError("--window is the part of --scene that the map was made of; give --scene as well")
    several = len(scores) > 1
    answers.refuse_one_for_many(out, vector, scene, several=several)
    together = vector if answers.is_one_file(vector, several=several) else None
    plans = [_Plan.of(path, out, None if together else vector) for path in scores]
    outputs = [("the mask", plan.mask) for plan in plans] + [("the file of places", p.vector) for p in plans]
    refuse_clashes(
        [*outputs, ("the file of places", together)],
        [*(("the score map", path) for path in scores), ("the scene", scene)],
    )
    for plan in plans:
        answers.check_paths(plan.mask, plan.vector or together, overwrite=overwrite)

    def one(plan: _Plan) -> Done:
        found = _answered(
            plan,
            wanted,
            variable=variable,
            scene=scene,
            window=window,
            min_pixels=min_pixels,
            seed=seed,
            overwrite=overwrite,
        )
        messages.result(plan.scores)
        answers.print_answer(messages, plan.scores, found)
        document = {"scores": plan.scores, **found.to_json(), "notes": list(found.places.notes)}
        known = found.places.places, found.places.ground
        return Done(scene=plan.scores, output=Path(plan.scores), document=document, places=known)

    done = [one(plan) for plan in plans] if not several else [_kept(one, plan, debug=debug) for plan in plans]
    if together is not None:
        write_layers(done, together, messages, overwrite=overwrite)
    if json:
        documents = [each.document for each in done]
        messages.document({"maps": documents} if several else documents[0])
    if any(each.failed for each in done):
        raise typer.Exit(FAILED)


@dataclass(frozen=True)
class _Plan:
    """A map, and where its mask and its places go."""

    scores: str
    mask: Path | None
    vector: Path | None

    @classmethod
    def of(cls, scores: str, mask: Path | None, vector: Path | None) -> _Plan:
        here = Path(Path(scores).name)
        return cls(scores, answers.beside(mask, here, "_mask"), answers.beside(vector, here))


def _kept(one: Callable[[_Plan], Done], plan: _Plan, *, debug: bool) -> Done:
    """Return what came of one map of several; a bad one does not stop the others."""
    try:
        return one(plan)
    except UsageError:
        raise
    except Exception as error:  # noqa: BLE001 - reported, and the status tells it
        report(error, debug=debug)
        told = {"scores": plan.scores, "error": message(error)}
        return Done(scene=plan.scores, output=Path(plan.scores), document=told, failed=True)


def _answered(
    plan: _Plan,
    rule: Rule,
    *,
    variable: str | None,
    scene: str | None,
    window: tuple[int, int, int, int] | None,
    min_pixels: int,
    seed: int,
    overwrite: bool,
) -> Answer:
    from contextlib import ExitStack

    from had_cli.results.places.answer import answer
    from had_cli.scenes.open import open_scene, open_scores
    from had_cli.scenes.ortho import as_scored

    values, info = open_scores(plan.scores, variable)
    with ExitStack() as stack:
        opened = None if scene is None else stack.enter_context(open_scene(scene, window=window))
        opened = None if opened is None else as_scored(opened, values.shape)
        return answer(
            values,
            info,
            rule,
            tags=info.tags,
            scene=opened,
            min_pixels=min_pixels,
            mask=plan.mask,
            vector=plan.vector,
            seed=seed,
            overwrite=overwrite,
        )
