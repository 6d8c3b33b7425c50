"""What ``had threshold`` and ``had detect --threshold`` have in common: options, paths, words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from had_cli.commands.messages import Messages, table
from had_cli.commands.numbers import integer, within
from had_cli.errors import UsageError

if TYPE_CHECKING:
    from had_cli.results.places.answer import Answer

_PANEL = "From scores to places"
_SHOWN = 10  # places that are printed; files and JSON hold all

_RULE_HELP = (
    "cfar:PF (false-alarm rate PF by a fit of the background's tail), quantile:Q, value:V, "
    "or chi2:PF for maps of grx."
)

_RULES = (
    ("cfar:1e-3", "one false alarm in a thousand background pixels"),
    ("quantile:0.999", "the highest thousandth of the scores"),
    ("value:", "a score, in units of the map"),
    ("chi2:1e-3", "by the chi-square law, for maps of grx"),
)


def complete_rule(incomplete: str) -> list[tuple[str, str]]:
    """Return the rules that begin with ``incomplete``, with the rate that is asked for most."""
    return [(rule, what) for rule, what in _RULES if rule.startswith(incomplete)]


Rule = Annotated[
    str | None,
    typer.Option(
        "--rule",
        metavar="RULE",
        show_default=False,
        help=f"{_RULE_HELP} Needed.",
        autocompletion=complete_rule,
    ),
]
ThresholdRule = Annotated[
    str | None,
    typer.Option(
        "--threshold",
        metavar="RULE",
        show_default=False,
        help=f"Threshold the map without labels: {_RULE_HELP}",
        autocompletion=complete_rule,
        rich_help_panel=_PANEL,
    ),
]
MaskOut = Annotated[
    Path | None,
    typer.Option(
        "--mask-out",
        metavar="FILE",
        show_default=False,
        help="Write the mask: 1 anomalous, 0 not, 255 without a score. A suffix alone (.tif): MAP_mask.tif "
        "beside each map.",
        rich_help_panel=_PANEL,
    ),
]
Vector = Annotated[
    Path | None,
    typer.Option(
        "--vector",
        metavar="FILE",
        show_default=False,
        help="Write the connected anomalies as polygons (.geojson, .gpkg, .shp). A suffix alone (.geojson): "
        "MAP.geojson beside each map.",
        rich_help_panel=_PANEL,
    ),
]
MinPixels = Annotated[
    int,
    typer.Option(
        "--min-pixels",
        metavar="N",
        parser=integer,
        callback=within(1, 10**12),
        help="Leave out places of fewer pixels.",
        rich_help_panel=_PANEL,
    ),
]


def needed_rule(rule: str | None, command: str) -> str:
    """Return the rule that was given.

    Raises
    ------
    UsageError
        When there is none: what there is, and an example.
    """
    if rule is not None:
        return rule
    kinds = ", ".join(f"{example} ({what})" for example, what in _RULES).replace("value: (", "value:V (")
    raise UsageError(f"give a rule with --rule: {kinds}; for example: {command} --rule cfar:1e-3")


def beside(given: Path | None, output: Path, ending: str = "") -> Path | None:
    """Return the path of a file that belongs to the map ``output``: as given, or named after the map."""
    if given is None or not _is_suffix(given):
        return given
    return output.with_name(f"{output.stem}{ending}{given.name}")


def is_one_file(vector: Path | None, *, several: bool) -> bool:
    """Tell whether the places of several maps go into one file: a GeoPackage, with a layer for each."""
    return several and vector is not None and vector.suffix.lower() == ".gpkg"


def refuse_one_for_many(mask: Path | None, vector: Path | None, scene: str | None, *, several: bool) -> None:
    """Check that what is named once serves one map.

    Raises
    ------
    UsageError
        When there are several.
    """
    if not several:
        return
    if scene is not None:
        raise UsageError("--scene is that of one map; give one map at a time")
    for name, given in (("--out", mask), ("--vector", vector)):
        one_file = name == "--vector" and is_one_file(given, several=True)
        if given is not None and not _is_suffix(given) and not one_file:
            raise UsageError(_one_for_many(name, given, "maps"))


def check_options(
    rule: str | None,
    mask: Path | None,
    vector: Path | None,
    outputs: Sequence[Path],
    method: str,
    summary: Path | None = None,
    *,
    overwrite: bool,
) -> None:
    """Check rule and paths of ``had detect`` before anything is computed.

    Raises
    ------
    UsageError
        When they contradict one another.
    OutputError, OutputExistsError
        When a file cannot be written.
    """
    if summary is not None:
        from had_cli.files import refuse_existing

        refuse_existing(summary, overwrite=overwrite)
    if rule is None:
        for name, given in (("--mask-out", mask), ("--vector", vector)):
            if given is not None:
                raise UsageError(f"{name} needs --threshold, which says what counts as anomalous")
        return
    from had_cli.plugin import host
    from had_cli.results.threshold import parse_rule

    if parse_rule(rule).kind == "chi2" and not host.method(method).chi_square:
        raise UsageError(f"--threshold {rule}: the scores of {method} follow no chi-square law; use cfar")
    for name, given in (("--mask-out", mask), ("--vector", vector)):
        one_file = name == "--vector" and is_one_file(given, several=len(outputs) > 1)
        if given is not None and len(outputs) > 1 and not _is_suffix(given) and not one_file:
            raise UsageError(_one_for_many(name, given, "scenes"))
    for output in outputs:
        check_paths(
            beside(mask, output, "_mask"), beside(vector, output), overwrite=overwrite, made=output.parent
        )


def _one_for_many(name: str, given: Path, what: str) -> str:
    suffix = given.suffix or ".tif"
    layers = ", or a .gpkg, which gets a layer for each" if name == "--vector" else ""
    return f"{name} {given}: with several {what} give a suffix alone, such as {suffix}{layers}"


def check_paths(mask: Path | None, vector: Path | None, *, overwrite: bool, made: Path | None = None) -> None:
    """Check that mask and polygons may be written; the folder ``made`` will be made with the maps."""
    from had_cli.files import refuse_existing
    from had_cli.results.places.writing import check_vector_suffix
    from had_cli.scenes.output import raster_writer

    store = mask is not None and raster_writer(mask).folder
    if vector is not None:
        check_vector_suffix(vector)
    for path in (mask, vector):
        if path is None or (path.parent == made and not made.is_dir()):
            continue
        for file in (path, *([path.with_suffix(".img")] if path.suffix.lower() == ".hdr" else [])):
            refuse_existing(file, overwrite=overwrite, store=store and file is mask)


def print_answer(messages: Messages, path: str, found: Answer) -> None:
    """Print threshold, files and the first places."""
    threshold, places = found.threshold, found.places
    for warning in threshold.warnings:
        messages.warn(f"{path}: {warning}")
    limits = threshold.interval
    sure = "" if limits is None else f" (95 % within {limits[0]:.6g} to {limits[1]:.6g})"
    messages.result(f"  threshold {threshold.value:.6g}{sure} by {threshold.rule}")
    count = len(places.places)
    share = threshold.pixels / threshold.valid_pixels
    small = f" of {found.min_pixels} pixels or more" if found.min_pixels > 1 else ""
    messages.result(f"  {threshold.pixels} pixels reach it ({share:.3%}), in {count} places{small}")
    if found.mask is not None:
        messages.result(f"  mask {found.mask}")
    if found.vector is not None:
        messages.result(f"  places {found.vector}")
    for note in places.notes:
        messages.note(f"{path}: {note}")
    if not count:
        return
    rows = [("RANK", "PEAK", "PIXELS", "AREA M2", "COLUMN", "ROW", "LONGITUDE", "LATITUDE", "BANDS")]
    for place in places.places[:_SHOWN]:
        bands = ", ".join(
            str(b.band) if b.wavelength_nm is None else f"{b.band} ({b.wavelength_nm:.0f} nm)"
            for b in place.bands
        )
        rows.append(
            (
                str(place.rank),
                f"{place.peak:.6g}",
                str(place.pixels),
                _number(place.area_m2, ".4g"),
                f"{place.col:.1f}",
                f"{place.row:.1f}",
                _number(place.lon, ".6f"),
                _number(place.lat, ".6f"),
                bands or "-",
            )
        )
    for line in table(rows):
        messages.result(f"  {line}")
    if count > _SHOWN:
        messages.result(f"  and {count - _SHOWN} more")


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _is_suffix(path: Path) -> bool:
    """Tell whether ``path`` is a suffix alone, such as ``.tif``."""
    return path.parent == Path() and path.name.startswith(".") and "." not in path.name[1:]
