"""``had convert``: a scene, or a part of it, in another format."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from had_cli.commands import options
from had_cli.commands.common_options import Json, Quiet
from had_cli.commands.messages import Messages
from had_cli.commands.outcome import guarded

Source = Annotated[str, typer.Argument(metavar="IN", help="Scene file or GDAL URL.")]
Destination = Annotated[
    str,
    typer.Argument(
        metavar="OUT", help="The copy; its suffix chooses the format (.tif, .hdr, .zarr, .mat, .npy, .npz)."
    ),
]
Interleave = Annotated[
    str | None,
    typer.Option(
        metavar="bsq|bil|bip|band|pixel",
        help="Order of the values in the file; default: as in the source, where the format has it.",
    ),
]
Dtype = Annotated[
    str | None,
    typer.Option(
        metavar="TYPE", help="Type of the values, such as float32 or int16; default: as stored in the source."
    ),
]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("convert", help=summary)(guarded(convert))


def convert(
    source: Source,
    destination: Destination,
    interleave: Interleave = None,
    dtype: Dtype = None,
    cog: options.Cog = False,
    overwrite: options.Overwrite = False,
    variable: options.Variable = None,
    truth_variable: options.TruthVariable = None,
    bands: options.Bands = None,
    exclude_bands: options.ExcludeBands = None,
    window: options.WindowOption = None,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a scene in another format."""
    import numpy as np

    from had_cli.errors import UsageError
    from had_cli.scenes.convert import convert as copy

    messages = Messages(as_json=json, quiet=quiet)
    try:
        kind = None if dtype is None else np.dtype(dtype)
    except TypeError:
        raise UsageError(f"--dtype takes a type such as float32 or int16, not {dtype!r}") from None
    with messages.progress(destination) as progress:
        done = copy(
            source,
            destination,
            overwrite=overwrite,
            variable=variable,
            truth_variable=truth_variable,
            bands=bands,
            exclude_bands=exclude_bands,
            window=window,
            dtype=kind,
            interleave=interleave,
            cog=cog,
            progress=progress,
        )
    for note in done.notes:
        messages.note(f"{source}: {note}")
    if json:
        messages.document({"source": source, "output": str(done.path), "notes": list(done.notes)})
        return
    messages.result(f"{done.path}: copy of {source}")
