"""``had report``: one HTML file to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from had_cli.commands import answers, options
from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages
from had_cli.commands.outcome import FAILED, complain, guarded

if TYPE_CHECKING:
    from had_cli.report.pairs import Pair
    from had_cli.results.threshold import Rule

What = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENE SCORES | FOLDER",
        show_default=False,
        help="A scene and its score map; several such pairs, or a folder of scenes and one of their maps, "
        "for one page with an index; or the folder that had bench has written.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE.html",
        show_default=False,
        help="The page; default: SCORES_report.html or FOLDER_report.html here, report.html for pairs.",
    ),
]
Truth = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Truth to judge the map against; default: the scene's own; of several scenes, NAME_gt.* beside "
        "NAME.* comes first.",
    ),
]
RuleOption = Annotated[
    str,
    typer.Option(
        "--threshold",
        metavar="RULE",
        help="The threshold that the page starts with and that its places reach, as in had threshold.",
        autocompletion=answers.complete_rule,
    ),
]


Recursive = Annotated[
    bool,
    typer.Option("--recursive", "-r", help="Of a folder of scenes, take those in the folders below, too."),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("report", help=summary)(guarded(report))


def report(
    what: What,
    out: Out = None,
    truth: Truth = None,
    threshold: RuleOption = "cfar:1e-3",
    min_pixels: answers.MinPixels = 1,
    recursive: Recursive = False,
    overwrite: options.Overwrite = False,
    variable: options.Variable = None,
    truth_variable: options.TruthVariable = None,
    bands: options.Bands = None,
    exclude_bands: options.ExcludeBands = None,
    window: options.WindowOption = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a report."""
    from had_cli.errors import UsageError
    from had_cli.report.pairs import pairs_of
    from had_cli.results.threshold import parse_rule
    from had_cli.scenes.folders import is_folder

    messages = Messages(as_json=json, quiet=quiet)
    rule = parse_rule(threshold)
    opening = {
        "variable": variable,
        "truth_variable": truth_variable,
        "bands": bands,
        "exclude_bands": exclude_bands,
        "window": window,
    }
    if len(what) == 1 and Path(what[0]).is_dir():
        only_scenes = {"--truth": truth, "--bands": bands, "--window": window, "--variable": variable}
        for name, value in only_scenes.items():
            if value is not None:
                raise UsageError(f"{name} is for the report of a scene; {what[0]} is a folder of had bench")
        _of_bench(what[0], out, messages, overwrite=overwrite)
        return
    pairs, notes = pairs_of(what, recursive=recursive)
    for note in notes:
        messages.note(note)
    if len(what) == 2 and not any(map(is_folder, what)):
        _of_scene(pairs[0], out, truth, rule, min_pixels, opening, messages, overwrite=overwrite)
        return
    if truth is not None:
        raise UsageError("--truth goes with one scene; of several, put NAME_gt.* beside NAME.*")
    _of_several(what, pairs, out, rule, min_pixels, opening, messages, overwrite=overwrite)


def _of_bench(folder: str, out: Path | None, messages: Messages, *, overwrite: bool) -> None:
    from had_cli.report.writing import write_bench_report
    from had_cli.scenes.inputs import refuse_inputs

    path = out or Path(f"{Path(folder).resolve().name}_report.html")
    documents = ("results.json", "curves.json", "timings.json")
    refuse_inputs(path, [("the result of the bench", Path(folder, name)) for name in documents])
    content = write_bench_report(folder, path, overwrite=overwrite)
    _print_summary(messages, folder, path, content)


def _of_scene(
    pair: Pair,
    out: Path | None,
    truth: str | None,
    rule: Rule,
    min_pixels: int,
    opening: dict[str, Any],
    messages: Messages,
    *,
    overwrite: bool,
) -> None:
    from had_cli.files import refuse_existing
    from had_cli.report.writing import write_scene_report
    from had_cli.scenes.inputs import refuse_inputs
    from had_cli.scenes.open import open_scene, open_truth
    from had_cli.scenes.source import stem

    path = out or Path(f"{stem(pair.scores)}_report.html")
    refuse_inputs(path, [("the scene", pair.scene), ("the score map", pair.scores), ("the truth", truth)])
    refuse_existing(path, overwrite=overwrite)
    truth_variable = opening["truth_variable"]
    own = None if truth else truth_variable
    with open_scene(pair.scene, **{**opening, "truth_variable": own}) as opened:
        for note in opened.info.notes:
            messages.note(f"{pair.scene}: {note}")
        known = None
        if truth is not None:
            rows, cols, _ = opened.source.info.shape
            known = open_truth(truth, (rows, cols), truth_variable)[opened.window.rows, opened.window.cols]
        with messages.progress(opened.name) as progress:
            content = write_scene_report(
                opened,
                pair.scores,
                path,
                truth=known,
                rule=rule,
                min_pixels=min_pixels,
                overwrite=overwrite,
                progress=progress,
            )
    _print_summary(messages, pair.scores, path, content)


def _of_several(
    what: Sequence[str],
    pairs: Sequence[Pair],
    out: Path | None,
    rule: Rule,
    min_pixels: int,
    opening: dict[str, Any],
    messages: Messages,
    *,
    overwrite: bool,
) -> None:
    from had_cli.report.writing import write_index_report
    from had_cli.scenes.inputs import refuse_inputs

    path = out or Path("report.html" if len(what) > 2 else f"{Path(what[1]).resolve().stem}_report.html")
    refuse_inputs(path, [*(("a scene", p.scene) for p in pairs), *(("a score map", p.scores) for p in pairs)])
    content = write_index_report(
        pairs,
        path,
        rule=rule,
        min_pixels=min_pixels,
        opening=opening,
        overwrite=overwrite,
        progress=messages.progress,
    )
    failed = [entry["error"] for entry in content["entries"] if entry["error"] is not None]
    for error in failed:
        complain(error)
    _print_summary(messages, str(path), path, content)
    if failed:
        raise typer.Exit(FAILED)


def _print_summary(messages: Messages, source: str, path: Path, content: dict[str, Any]) -> None:
    for warning in content["warnings"]:
        messages.warn(f"{source}: {warning}")
    for line in content["reduced"]:
        messages.note(line)
    size = path.stat().st_size
    if messages.as_json:
        document = {
            "output": str(path),
            "kind": content["kind"],
            "bytes": size,
            "reduced": content["reduced"],
            "warnings": content["warnings"],
        }
        messages.document(document | ({"maps": content["entries"]} if content["kind"] == "index" else {}))
        return
    messages.result(f"{path}: {size / 1e6:.1f} MB, open it in a browser")
