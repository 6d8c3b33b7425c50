"""``had models``: trained weights, in files and in the user's folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from had_cli.commands.light import Json
from had_cli.commands.options import Overwrite
from had_cli.commands.outcome import guarded
from had_cli.commands.talk import Talk, table

File = Annotated[str, typer.Argument(metavar="FILE", help="A weights file, or the name of one in the list.")]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command and its subcommands to ``app``."""
    group = typer.Typer(help=summary, no_args_is_help=True)
    group.command("list")(guarded(list_models))
    group.command("show")(guarded(show))
    group.command("import")(guarded(import_))
    group.command("export")(guarded(export))
    app.add_typer(group, name="models")


def list_models(json: Json = False) -> None:
    """List the weights in the user's folder."""
    from had_cli.models import folder, known_models

    talk, models = Talk(as_json=json), known_models()
    if json:
        talk.document({"folder": str(folder()), "models": [model.to_json() for model in models]})
        return
    if not models:
        talk.result(f"no weights in {folder()}; had train makes some, and any file can be given with -w")
        return
    rows = [("NAME", "METHOD", "TRAINED ON", "FILE")]
    rows += [(m.name, m.method or "-", ", ".join(m.scenes) or m.error or "-", str(m.path)) for m in models]
    for line in table(rows):
        talk.result(line)


def show(file: File, json: Json = False) -> None:
    """Show what a weights file says of itself, and its tensors."""
    from had_cli.models import find
    from had_cli.weights import load_weights

    talk, path = Talk(as_json=json), find(file)
    weights = load_weights(path)
    tensors = {name: [str(t.dtype), list(t.shape)] for name, t in sorted(weights.tensors.items())}
    if json:
        talk.document({"file": str(path), "sha256": weights.hash, **weights.header, "tensors": tensors})
        return
    rows = [("file", str(path)), ("method", weights.method), ("sha256", str(weights.hash))]
    rows += [(name, _short(value)) for name, value in sorted(weights.header.items()) if name != "method"]
    count = sum(tensor.size for tensor in weights.tensors.values())
    rows.append(("tensors", f"{len(tensors)}, {count} numbers"))
    rows += [
        (f"  {name}", f"{kind} {' x '.join(map(str, shape))}") for name, (kind, shape) in tensors.items()
    ]
    for line in table(rows):
        talk.result(line)


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
    from had_cli.importing import import_weights

    talk, weights = Talk(as_json=json), import_weights(source, method, out, overwrite=overwrite)
    if json:
        talk.document({"output": str(out), "sha256": weights.hash, **weights.header})
        return
    talk.result(f"{out}: weights of {method}, sha256 {weights.hash}")


def export(
    file: File,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="The .pt2 or .onnx file to write.")
    ],
    overwrite: Overwrite = False,
    json: Json = False,
) -> None:
    """Export a network for plain PyTorch (.pt2) or ONNX Runtime (.onnx)."""
    from had_cli.exporting import export_weights
    from had_cli.models import find

    talk, weights = Talk(as_json=json), export_weights(find(file), out, overwrite=overwrite)
    if json:
        talk.document({"output": str(out), "method": weights.method, "weights_sha256": weights.hash})
        return
    talk.result(f"{out}: the network of {weights.method} weights {weights.hash}")


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={_short(item)}" for name, item in value.items())
    if isinstance(value, list) and len(value) > 6:
        return f"{len(value)} values, {_short(value[0])} to {_short(value[-1])}"
    return ", ".join(map(_short, value)) if isinstance(value, list) else str(value)
