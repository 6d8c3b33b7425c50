"""``had models``: trained weights, those of plugins, in files, and in the user's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from had_cli.commands.common_options import Json
from had_cli.commands.messages import Messages, table
from had_cli.commands.method_options import complete_weights
from had_cli.commands.options import Overwrite
from had_cli.commands.outcome import FAILED, complain, guarded

File = Annotated[
    str,
    typer.Argument(
        metavar="WEIGHTS",
        help="A weights file, or the name of one in the list.",
        autocompletion=complete_weights,
    ),
]
Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="WEIGHTS",
        show_default=False,
        help="Weights files, or names out of the list; default: all that are in it.",
        autocompletion=complete_weights,
    ),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command and its subcommands to ``app``."""
    group = typer.Typer(help=summary, no_args_is_help=True)
    group.command("list")(guarded(list_models))
    group.command("show")(guarded(show))
    group.command("verify")(guarded(verify))
    group.command("import")(guarded(import_))
    group.command("export")(guarded(export))
    app.add_typer(group, name="models")


def list_models(json: Json = False) -> None:
    """List the weights that come with methods, and those in the user's folder."""
    from had_cli.weights.models import folder, known_models

    messages, models = Messages(as_json=json), known_models()
    if json:
        messages.document({"folder": str(folder()), "models": [model.to_json() for model in models]})
        return
    if models:
        rows = [("NAME", "METHOD", "FROM", "TRAINED ON", "FILE")]
        for model in models:
            trained = ", ".join(model.scenes) or model.error or "-"
            origin = model.bundled or "your folder"
            rows.append((model.name, model.method or "-", origin, trained, str(model.path)))
        for line in table(rows):
            messages.result(line)
    if all(model.bundled for model in models):
        messages.result(f"no weights of your own in {folder()}; had train makes some, and -w takes any file")


def show(file: File, json: Json = False) -> None:
    """Show what a weights file says of itself, and its tensors."""
    from had_cli.weights.models import find_weights

    messages, model = Messages(as_json=json), find_weights(file)
    weights = model.load()
    tensors = {name: [str(t.dtype), list(t.shape)] for name, t in sorted(weights.tensors.items())}
    said = {name: text for name, text in (("good", model.good), ("poor", model.poor)) if text}
    if json:
        messages.document(
            {"file": str(model.path), "sha256": weights.hash, **said, **weights.header, "tensors": tensors}
        )
        return
    rows = [("file", str(model.path)), ("method", weights.method), ("sha256", str(weights.hash))]
    rows += said.items()
    rows += [(name, short(value)) for name, value in sorted(weights.header.items()) if name != "method"]
    count = sum(tensor.size for tensor in weights.tensors.values())
    rows.append(("tensors", f"{len(tensors)}, {count} numbers"))
    rows += [
        (f"  {name}", f"{kind} {' x '.join(map(str, shape))}") for name, (kind, shape) in tensors.items()
    ]
    for line in table(rows):
        messages.result(line)


def verify(files: Files = None, json: Json = False) -> None:
    """Check that weights are what they were: their bytes, and their output on a probe."""
    from had_cli.weights.models import find_weights, known_models
    from had_cli.weights.verification import verify as verified

    messages, verdicts = Messages(as_json=json), []
    for model in [find_weights(file) for file in files] if files else known_models():
        verdict = verified(model)
        verdicts.append(verdict)
        if verdict.error is not None:
            complain(verdict.error)
            continue
        output = (
            "no output on the probe is kept"
            if verdict.difference is None
            else f"output on the probe within {verdict.difference:.1e} ({verdict.tolerance:g} is allowed)"
        )
        messages.result(f"{verdict.name}: sound; {verdict.known_by} as it should be, {output}")
    if json:
        messages.document({"models": [verdict.to_json() for verdict in verdicts]})
    elif not verdicts:
        messages.result("no weights to verify")
    if any(verdict.error for verdict in verdicts):
        raise typer.Exit(FAILED)


def import_(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="The method the weights belong to.")],
    source: Annotated[Path, typer.Argument(metavar="PATH", help="The released file, or folder of files.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="WEIGHTS", help="The safetensors file to write.")
    ],
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Import weights that another system released (.pt, .pth, .pkl); no code in them is executed."""
    from had_cli.weights.importing import import_weights

    messages = Messages(as_json=json)
    weights = import_weights(source, method, out, overwrite=overwrite, warn=messages.warn)
    if json:
        messages.document({"output": str(out), "sha256": weights.hash, **weights.header})
        return
    messages.result(f"{out}: weights of {method}, sha256 {weights.hash}")


def export(
    file: File,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The .pt2 or .onnx file to write.")
    ],
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Export a network for plain PyTorch (.pt2) or ONNX Runtime (.onnx)."""
    from had_cli.weights.exporting import export_weights

    messages, weights = Messages(as_json=json), export_weights(file, out, overwrite=overwrite)
    if json:
        messages.document({"output": str(out), "method": weights.method, "weights_sha256": weights.hash})
        return
    messages.result(f"{out}: the network of {weights.method} weights {weights.hash}")


def short(value: Any) -> str:
    """Return a value of a header on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{name}={short(item)}" for name, item in value.items())
    if isinstance(value, list) and len(value) > 6:
        return f"{len(value)} values, {short(value[0])} to {short(value[-1])}"
    return ", ".join(map(short, value)) if isinstance(value, list) else str(value)
