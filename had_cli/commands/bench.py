"""``had bench``: scenes by methods, judged by every metric."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from had_cli.commands import options
from had_cli.commands.clusters import cluster_of
from had_cli.commands.common_options import Debug, Json, LogJson, Quiet, Verbose
from had_cli.commands.messages import Messages, table
from had_cli.commands.method_options import complete_method
from had_cli.commands.numbers import integer, within
from had_cli.commands.outcome import FAILED, complain, guarded

if TYPE_CHECKING:
    from had_cli.bench.results import BenchResults


RECIPES = ("abu", "san-diego", "hydice", "had100")  # of had_cli.bench.recipes, which loads numpy


def complete_recipe(incomplete: str) -> list[str]:
    """Return the recipes that begin with ``incomplete``."""
    return [name for name in RECIPES if name.startswith(incomplete)]


Scenes = Annotated[
    list[str],
    typer.Argument(
        metavar="SCENE_OR_FOLDER",
        show_default=False,
        help="Scenes with a truth, or folders of them: their own, NAME_gt.* beside NAME.*, or as in HAD100.",
    ),
]
Methods = Annotated[
    list[str] | None,
    typer.Option(
        "--method",
        "-m",
        metavar="METHOD",
        show_default=False,
        help="A method with its defaults; may be given several times.",
        autocompletion=complete_method,
    ),
]
Weights = Annotated[
    list[str] | None,
    typer.Option(
        "--weights",
        "-w",
        metavar="[METHOD=]WEIGHTS",
        show_default=False,
        help="Trained weights of a method named with -m, a file or a name; may be given several times.",
    ),
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        show_default=False,
        help="More configurations, a table \\[\\[method]] each: name, label, weights, parameters.",
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "--out", "-o", metavar="FOLDER", help="Where results go; what an earlier run finished there is kept."
    ),
]
KeepMaps = Annotated[bool, typer.Option("--keep-maps", help="Keep the score maps too, as GeoTIFF.")]
Plots = Annotated[bool, typer.Option("--plots/--no-plots", help="Draw ROC curves and separability.")]
Rerun = Annotated[bool, typer.Option("--rerun", help="Run finished cells as well.")]
Repeats = Annotated[
    int,
    typer.Option(
        parser=integer,
        callback=within(1, 1000),
        metavar="INTEGER",
        help="Run every cell with so many seeds, from --seed on; figures are means with their spread.",
    ),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        metavar="RECIPE",
        show_default=False,
        help=f"Take the scenes of a public benchmark ({', '.join(RECIPES)}) from the folders.",
        autocompletion=complete_recipe,
    ),
]
Truth = Annotated[
    str | None, typer.Option(metavar="FILE", help="Truth of the scene, where there is one scene.")
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("bench", help=summary)(guarded(bench))


def bench(
    scenes: Scenes,
    method: Methods = None,
    weights: Weights = None,
    config: Config = None,
    out: Out = Path("bench"),
    keep_maps: KeepMaps = False,
    plots: Plots = True,
    rerun: Rerun = False,
    repeats: Repeats = 1,
    recipe: Recipe = None,
    truth: Truth = None,
    variable: options.Variable = None,
    truth_variable: options.TruthVariable = None,
    bands: options.Bands = None,
    exclude_bands: options.ExcludeBands = None,
    keep_constant_bands: options.KeepConstantBands = False,
    window: options.WindowOption = None,
    mask: options.Mask = None,
    quality: options.Quality = None,
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
) -> None:
    """Judge methods on scenes."""
    from had_cli.bench.configurations import configure
    from had_cli.bench.folder import FILES
    from had_cli.bench.plan import Conditions
    from had_cli.bench.run import Voice, run_bench
    from had_cli.commands.event_log import event_log
    from had_cli.engine.devices import device_of_workers
    from had_cli.scenes.inputs import refuse_inputs, refuse_within

    messages = Messages(as_json=json, quiet=quiet, verbose=verbose)
    for name in FILES:
        refuse_inputs(out / name, [("the file of --config", config)])
    if log_json is not None:
        refuse_within(log_json, [("the folder of the bench", out)])
    told: dict[str, Any] = {"scenes": list(scenes), "output": str(out)}
    on_workers = engine is options.EngineName.dask

    def fail(line: str) -> None:
        complain(line)
        messages.failed(line)

    with event_log(log_json, "bench", **told) as messages.log:
        with cluster_of(
            engine, scheduler=scheduler, workers=workers, memory_limit=memory_limit, messages=messages
        ) as cluster:
            found = run_bench(
                scenes,
                configure(method or [], weights or [], config),
                out,
                truth=truth,
                conditions=Conditions(
                    variable=variable,
                    truth_variable=truth_variable,
                    bands=bands,
                    exclude_bands=exclude_bands,
                    window=window,
                    mask=mask,
                    quality=quality,
                    device=device_of_workers(device) if on_workers else device,
                    # cells are spread, and each is computed by one machine
                    engine=options.EngineName.auto.value if on_workers else engine.value,
                    memory=memory,
                    seed=seed,
                    keep_constant_bands=keep_constant_bands,
                ),
                keep_maps=keep_maps,
                rerun=rerun,
                repeats=repeats,
                recipe=recipe,
                voice=Voice(
                    note=messages.note,
                    warn=messages.warn,
                    fail=fail,
                    progress=messages.progress,
                    cells=messages.cells("bench"),
                ),
                show_errors=debug,
                cluster=cluster,
            )
        if plots:
            _draw(found, out, messages)
        if json:
            messages.document({"output": str(out), **found.results, "timings": found.timings})
        if not quiet:
            _show(found, out, messages)
        if found.failed:
            raise typer.Exit(FAILED)


def _draw(found: BenchResults, out: Path, messages: Messages) -> None:
    from had_cli.bench.plots import draw
    from had_cli.results.picture import MatplotlibMissingError

    try:
        draw(found, out)
    except MatplotlibMissingError as error:  # an extra: the figures are worth having without it
        messages.warn(str(error))


def _show(found: BenchResults, out: Path, messages: Messages) -> None:
    from had_cli.bench.tables import left_out, mean_rows, scene_rows

    for rows in (scene_rows(found, "auc_df"), mean_rows(found)):
        for line in table(rows):
            messages.result(line)
        messages.result("")
    for line in left_out(found):
        messages.result(line)
    total = len(found.results["cells"])
    failed = f", {len(found.failed)} of {total} cells failed" if found.failed else ""
    messages.result(f"{out}: results.md, results.csv, results.json{failed}")
    for note in found.results["notes"]:
        messages.note(note)
