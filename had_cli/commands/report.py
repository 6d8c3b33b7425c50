"""``had report``: one HTML file to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from had_cli.commands import answers, options
from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages
from had_cli.commands.outcome import guarded

What = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENE SCORES | FOLDER",
        show_default=False,
        help="A scene and its score map, or the folder that had bench has written.",
    ),
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        "-o",
        metavar="FILE.html",
        show_default=False,
        help="The page; default: SCORES_report.html or FOLDER_report.html here.",
    ),
]
Truth = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Truth to judge the map against; default: the scene's own."),
]
RuleOption = Annotated[
    str,
    typer.Option(
        "--threshold",
        metavar="RULE",
        help="The threshold that the page starts with and that its places reach, as in had threshold.",
    ),
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
    from had_cli.files import refuse_existing
    from had_cli.report.writing import write_bench_report, write_scene_report
    from had_cli.results.threshold import parse_rule
    from had_cli.scenes.inputs import refuse_inputs
    from had_cli.scenes.open import open_scene, open_truth
    from had_cli.scenes.source import stem

    messages = Messages(as_json=json, quiet=quiet)
    rule = parse_rule(threshold)
    if len(what) == 1 and Path(what[0]).is_dir():
        only_scenes = {"--truth": truth, "--bands": bands, "--window": window, "--variable": variable}
        for name, value in only_scenes.items():
            if value is not None:
                raise UsageError(f"{name} is for the report of a scene; {what[0]} is a folder of had bench")
        path = out or Path(f"{Path(what[0]).resolve().name}_report.html")
        documents = ("results.json", "curves.json", "timings.json")
        refuse_inputs(path, [("the result of the bench", Path(what[0], name)) for name in documents])
        content = write_bench_report(what[0], path, overwrite=overwrite)
        _print_summary(messages, what[0], path, content)
        return
    if len(what) != 2:
        raise UsageError(
            "had report takes a scene and its score map, or one folder that had bench has written"
        )
    scene, scores = what
    path = out or Path(f"{stem(scores)}_report.html")
    refuse_inputs(path, [("the scene", scene), ("the score map", scores), ("the truth", truth)])
    refuse_existing(path, overwrite=overwrite)
    with open_scene(
        scene,
        variable=variable,
        truth_variable=None if truth else truth_variable,
        bands=bands,
        exclude_bands=exclude_bands,
        window=window,
    ) as opened:
        for note in opened.info.notes:
            messages.note(f"{scene}: {note}")
        known = None
        if truth is not None:
            rows, cols, _ = opened.source.info.shape
            known = open_truth(truth, (rows, cols), truth_variable)[opened.window.rows, opened.window.cols]
        with messages.progress(opened.name) as progress:
            content = write_scene_report(
                opened,
                scores,
                path,
                truth=known,
                rule=rule,
                min_pixels=min_pixels,
                overwrite=overwrite,
                progress=progress,
            )
    _print_summary(messages, scores, path, content)


def _print_summary(messages: Messages, source: str, path: Path, content: dict[str, Any]) -> None:
    for warning in content["warnings"]:
        messages.warn(f"{source}: {warning}")
    for line in content["reduced"]:
        messages.note(line)
    size = path.stat().st_size
    if messages.as_json:
        messages.document(
            {
                "output": str(path),
                "kind": content["kind"],
                "bytes": size,
                "reduced": content["reduced"],
                "warnings": content["warnings"],
            }
        )
        return
    messages.result(f"{path}: {size / 1e6:.1f} MB, open it in a browser")
