"""``had info``: what has been understood of a scene's file, before anything is computed from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from had_cli.commands.common_options import Json, Verbose
from had_cli.commands.messages import Messages, size, table
from had_cli.commands.options import Quality, TruthVariable, Variable
from had_cli.commands.outcome import guarded

SceneArgument = Annotated[str, typer.Argument(metavar="SCENE", help="Scene file or GDAL URL.")]


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("info", help=summary + " With --verbose, one line per band.")(guarded(info))


def info(
    scene: SceneArgument,
    variable: Variable = None,
    truth_variable: TruthVariable = None,
    quality: Quality = None,
    json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Describe a scene."""
    from had_cli.scenes.describe import describe
    from had_cli.scenes.open import open_scene

    messages = Messages(as_json=json, verbose=verbose)
    with open_scene(scene, variable=variable, truth_variable=truth_variable, quality=quality) as opened:
        known = describe(opened)
    if json:
        messages.document(known)
        return
    for line in table(list(_rows(known))):
        messages.result(line)
    if verbose:
        for line in table(list(_bands(known))):
            messages.result(line)


def _rows(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield name and value of everything there is to say."""
    yield "scene", known["path"]
    yield "format", known["format"] + (f", {known['interleave']}" if known["interleave"] else "")
    yield "size", f"{known['rows']} rows x {known['cols']} columns x {known['bands']} bands"
    yield "values", f"{known['dtype']}, {size(known['raster_bytes'])}"
    if known["scale"] is not None or known["offset"] is not None:
        scale, offset = (_number(known["scale"], "1"), _number(known["offset"], "0"))
        yield "scaling", f"stored value x {scale} + {offset}"
    if known["wavelengths_nm"] is None:
        yield "wavelengths", "unknown"
    else:
        low, high = known["wavelength_range_nm"]
        yield "wavelengths", f"{low:.6g} to {high:.6g} nm"
    if known["fwhm_nm"] is not None:
        yield "band widths", f"{min(known['fwhm_nm']):.4g} to {max(known['fwhm_nm']):.4g} nm"
    chosen = known["selection"]
    if chosen["bands"] < known["bands"]:
        left_out = f", {len(known['bad_bands'])} are marked bad" if known["bad_bands"] else ""
        yield "bands in use", f"{chosen['bands']} ({chosen['band_numbers']}){left_out}"
    nodata = known["nodata"]
    if isinstance(nodata, list):
        yield "nodata", "by band: " + ", ".join(sorted({_number(value, "none") for value in nodata}))
    else:
        yield "nodata", _number(nodata, "none declared")
    if known["crs"] is not None:
        code = f" (EPSG:{known['crs']['epsg']})" if known["crs"]["epsg"] else ""
        yield "projection", f"{known['crs']['name'] or 'unnamed'}{code}"
    if known["transform"] is not None:
        yield "pixel size", " x ".join(f"{length:.6g}" for length in known["pixel_size"])
        yield "bounds", ", ".join(f"{edge:.12g}" for edge in known["bounds"])
    yield from _product(known)
    truth = known["truth"]
    yield (
        "truth",
        "none" if truth is None else f"{truth['anomalous_pixels']} anomalous of {truth['pixels']} pixels",
    )
    for note in known["notes"]:
        yield "note", note
    for name, text in known["tags"].items():
        yield f"tag {name}", " ".join(str(text).split())


def _product(known: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what only products have: a lookup table onto a map, and quality masks."""
    if known["ortho"] is not None:
        table = known["ortho"]
        code = f" (EPSG:{table['crs']['epsg']})" if table["crs"] and table["crs"]["epsg"] else ""
        name = "a map" if table["crs"] is None else f"{table['crs']['name'] or 'an unnamed map'}{code}"
        yield "orthorectified", f"scores, to {table['rows']} rows x {table['cols']} columns of {name}"
    for mask in known["quality"]:
        does = "left out" if mask["applied"] else "flagged, not left out"
        yield f"quality {mask['name']}", f"{mask['pixels']} pixels {does}: {mask['summary']}"


def _bands(known: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    yield "BAND", "WAVELENGTH", "FWHM", "STATE", "NAME"
    bad = set(known["bad_bands"])
    for index in range(known["bands"]):
        yield (
            str(index + 1),
            _at(known["wavelengths_nm"], index, " nm"),
            _at(known["fwhm_nm"], index, " nm"),
            "bad" if index + 1 in bad else "",
            str(known["band_names"][index]) if known["band_names"] else "",
        )


def _at(values: Sequence[float] | None, index: int, unit: str) -> str:
    return "-" if values is None else f"{values[index]:.6g}{unit}"


def _number(value: Any, absent: str) -> str:
    if isinstance(value, list):
        return "by band"
    return absent if value is None else f"{value:.9g}" if isinstance(value, int | float) else str(value)
