"""``had evaluate``: a score map against a truth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages, table
from had_cli.commands.options import Overwrite, TruthVariable, Variable
from had_cli.commands.outcome import guarded

Scores = Annotated[str, typer.Argument(metavar="SCORES", help="Score map; higher is more anomalous.")]
Truth = Annotated[
    str, typer.Option(metavar="TRUTH", help="Raster of the same size: 0 background, all else anomalous.")
]
Roc = Annotated[
    Path | None,
    typer.Option(
        "--roc", metavar="FILE.csv", show_default=False, help="Write the ROC points at every distinct score."
    ),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("evaluate", help=summary)(guarded(evaluate))


def evaluate(
    scores: Scores,
    truth: Truth,
    variable: Variable = None,
    truth_variable: TruthVariable = None,
    roc: Roc = None,
    overwrite: Overwrite = False,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Judge a score map against a truth."""
    from had_cli import api
    from had_cli.files import refuse_existing
    from had_cli.results.roc import write_roc
    from had_cli.scenes.inputs import refuse_inputs
    from had_cli.scenes.open import open_scores, open_truth

    messages = Messages(as_json=json, quiet=quiet)
    if roc is not None:
        refuse_existing(roc, overwrite=overwrite)
        refuse_inputs(roc, [("the score map", scores), ("the truth", truth)])
    if variable is None and truth_variable is None:
        found = api.evaluate(scores, truth)
    else:
        values, _ = open_scores(scores, variable)
        found = api.evaluate(values, open_truth(truth, (values.shape[0], values.shape[1]), truth_variable))
    for warning in found.warnings:
        messages.warn(f"{scores}: {warning}")
    if roc is not None:
        write_roc(roc, found.roc, overwrite=overwrite)
    if json:
        messages.document({"scores": scores, "truth": truth, **found.to_json()})
        return
    rows = [("MEASURE", "VALUE", "BEST", "DEFINITION")]
    rows += [(row.symbol, f"{row.value:.6g}", f"{row.best:g}", row.formula) for row in found.table()]
    for line in table(rows):
        messages.result(line)
    excluded = f", {found.excluded} excluded" if found.excluded else ""
    messages.result(f"{found.anomalous} anomalous and {found.background} background pixels{excluded}")
    for note in found.notes:
        messages.note(note)
