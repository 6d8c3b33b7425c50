"""The scene of a file that holds named arrays, once its variables are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from had_cli.errors import SceneError
from had_cli.formats.cubes import bands_first
from had_cli.formats.metadata import from_json
from had_cli.formats.variable import Variable
from had_cli.formats.variables import Choice, choose
from had_cli.scenes.scene import ArraySource
from had_cli.scenes.source import SceneInfo, Source


def scene_of(
    path: str,
    format_name: str,
    variables: Sequence[Variable],
    options: Mapping[str, Any],
    text: str | None,
    *,
    order: str = "F",
) -> Source:
    """Return a source over the chosen variable, read into memory.

    ``text`` is the metadata that one of our writers left in the file, or None; ``order`` is how pixels are
    unfolded (:func:`had_cli.formats.cubes.candidates`).
    """
    choice, known = choose_with_metadata(path, variables, options, text, order=order)
    return in_memory(path, format_name, choice, known)


def in_memory(path: str, format_name: str, choice: Choice, known: Mapping[str, Any]) -> Source:
    """Return a source over the chosen variable, read into memory."""
    cube = choice.cube.load()
    if not cube.dtype.isnative:
        cube = cube.astype(cube.dtype.newbyteorder("="))
    if cube.ndim == 2:
        cube = cube[..., None]
    if cube.ndim != 3:
        raise SceneError(f"{path}: variable {choice.cube} is not an array of three axes")
    return ArraySource(describe_choice(path, format_name, choice, known, cube.shape, cube.dtype), cube)


def choose_with_metadata(
    path: str,
    variables: Sequence[Variable],
    options: Mapping[str, Any],
    text: str | None,
    *,
    order: str = "F",
) -> tuple[Choice, dict[str, Any]]:
    """Return the choice and the metadata that belong to it."""
    known = {} if text is None else from_json(text, path)
    shape = known.pop("shape", None)
    if shape is not None and shape[2:] == (1,) and not options.get("variable") and not options.get("layer"):
        # a map of one band has two axes in MATLAB; its metadata tells that it is a scene of one band
        ours = [v.name for v in variables if v.shape == shape[:2] and v.name in {"scores", "data"}]
        options = {**options, **({"variable": ours[0]} if ours else {})}
    choice = choose(path, variables, options, order=order)
    if shape is not None and (*choice.cube.shape, 1)[:3] != shape:
        known = {}  # the metadata describe another variable
    return choice, known


def describe_choice(
    path: str, format_name: str, choice: Choice, known: Mapping[str, Any], shape: tuple[int, ...], dtype: Any
) -> SceneInfo:
    """Return the metadata of the chosen variable."""
    truth = choice.truth
    found = {"wavelengths": choice.wavelengths, "fwhm": choice.fwhm, "bad_bands": choice.bad_bands}
    stated = {**found, **known}
    hint = (
        None
        if known or choice.wavelengths is not None or choice.truth is not None
        else bands_first((shape[0], shape[1], shape[2]))
    )
    return SceneInfo(
        path=path,
        format=format_name,
        shape=(shape[0], shape[1], shape[2]),
        dtype=dtype,
        truth=None if truth is None else lambda: truth,
        notes=choice.notes if hint is None else (*choice.notes, hint),
        **stated,
    )
