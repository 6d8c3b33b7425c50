"""Where the maps of one run go, settled for all scenes before anything is computed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from had_cli.errors import OutputError, OutputExistsError, UsageError
from had_cli.files import is_store, refuse_url
from had_cli.publishing.scratch import sweep
from had_cli.scenes.inputs import refuse_inputs
from had_cli.scenes.output import raster_writer
from had_cli.scenes.urls import public

_SLASHES = ("/", os.sep)


def plan_outputs(
    scenes: Sequence[str],
    method: str,
    out: str | Path | None,
    *,
    overwrite: bool,
    others: Mapping[str, str | None] | None = None,
    several: bool = False,
    cog: bool = False,
) -> list[Path]:
    """Return the output of each scene.

    Parameters
    ----------
    out
        One scene: a file, or a folder to put the default name into. Several, or a name that ends in a slash:
        a folder, which is made by :func:`make_folder` when there is a map to put into it.
        None: the working directory.
    several
        The scenes are those of a folder, however many it holds: ``out`` is one, too.
    others
        Files that are read beside the scenes, by what they are (``the truth``).
    cog
        The maps are to be cloud-optimised GeoTIFFs.

    Raises
    ------
    UsageError
        When a scene is named twice, or ``out`` names a file for several scenes.
    OutputError
        When an output cannot be: no such format or folder, or it would replace a file that is read.
    OutputExistsError
        When one exists and ``overwrite`` is false.
    """
    slash = out is not None and str(out).endswith(_SLASHES) and not is_store(Path(out))
    several |= len(scenes) > 1 or slash
    out = None if out is None else Path(out)
    if out is not None:
        refuse_url(out)
    twice = [scene for scene, count in Counter(map(os.path.normpath, scenes)).items() if count > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named twice")
    # a Zarr store is a folder that is an output by itself
    into = out is not None and out.is_dir() and not (is_store(out) and _is_format(out))
    if not several and out is not None and not into:
        outputs = [out]
    else:
        if several and out is not None and (out.is_file() or _is_format(out)):
            why = (
                "with several scenes"
                if len(scenes) > 1
                else "with a folder of scenes, or a slash at its end,"
            )
            raise UsageError(f"-o {out}: {why} this must be a folder, not a file")
        outputs = [(out or Path()) / name for name in unique_names(scenes, method)]
    inputs = [*(("the scene", scene) for scene in scenes), *(others or {}).items()]
    for output in outputs:
        if cog:
            raster_writer(output, cog=True)
        _check(output, inputs, folder_to_be_made=several and out is not None, overwrite=overwrite)
    if several and out is not None:
        there = next((folder for folder in (out, *out.absolute().parents) if os.path.lexists(folder)), out)
        if not there.is_dir():
            raise OutputError(f"{out}: this folder cannot be made ({there} is no folder)")
    return outputs


def make_folder(folder: Path) -> None:
    """Make the folder for the maps of several scenes, if need be.

    Raises
    ------
    OutputError
        When the system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: this folder cannot be made ({error.strerror})") from error


def unique_names(scenes: Sequence[str], method: str) -> list[str]:
    """Return a file name for each scene's map; scenes called alike are told apart.

    By their suffix (``line_hdr_grx.tif``), else by their folder as well, else by number.
    """
    from had_cli.scenes.output import default_output

    plain = [default_output(scene, method).name for scene in scenes]
    if not _clashes(plain):
        return plain

    def longer(parts: int) -> list[str]:
        names = []
        for scene, name in zip(scenes, plain, strict=True):
            path = Path(public(scene))
            stem = name.removesuffix(f"_{method}.tif")
            extra = [path.parent.name] * (parts == 2) + [stem, path.suffix.lstrip(".")]
            names.append("_".join(part for part in [*extra, method] if part) + ".tif")
        return names

    clashing = _clashes(plain)
    for parts in (1, 2):
        names = [
            new if old.lower() in clashing else old for old, new in zip(plain, longer(parts), strict=True)
        ]
        if not _clashes(names):
            return names
    return [f"{number}_{name}" for number, name in enumerate(plain, start=1)]


def _clashes(names: Sequence[str]) -> set[str]:
    """Return the names, in lower case, that occur twice on a file system that does not mind case."""
    return {name for name, count in Counter(map(str.lower, names)).items() if count > 1}


def _is_format(path: Path) -> bool:
    from had_cli.plugin import host

    return any(path.suffix.lower() in writer.suffixes for writer in host.writers().values())


def _check(
    output: Path,
    inputs: Sequence[tuple[str, str | None]],
    *,
    folder_to_be_made: bool,
    overwrite: bool,
) -> None:
    if not _is_format(output):
        from had_cli.plugin import host

        known = ", ".join(
            sorted({suffix for writer in host.writers().values() for suffix in writer.suffixes})
        )
        if not output.suffix:
            raise OutputError(
                f"{output}: is no folder and has no suffix; create it, or choose one of {known}"
            )
        raise OutputError(f"{output}: no format has the suffix {output.suffix!r}; choose one of {known}")
    if not folder_to_be_made and not output.parent.is_dir():
        raise OutputError(f"{output}: there is no folder {output.parent}; create it first")
    sweep(output.parent)  # a run that was killed may have the map ready
    if os.path.lexists(output) and not overwrite:
        raise OutputExistsError(f"{output}: exists already; give --overwrite or another name")
    refuse_inputs(output, inputs)
