"""Options that several commands share, each written once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from had_cli.commands.method_options import complete_method
from had_cli.commands.numbers import integer, within

_SELECTION = "Which part of a scene"
_RUNNING = "How it runs"


class EngineName(StrEnum):
    """What ``--engine`` takes."""

    auto = "auto"
    memory = "memory"
    stream = "stream"


Scenes = Annotated[
    list[str],
    typer.Argument(metavar="SCENE", show_default=False, help="Scene files or GDAL URLs."),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method",
        "-m",
        metavar="METHOD",
        show_default=False,
        help="The method; had plugins lists them.",
        autocompletion=complete_method,
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]

Cog = Annotated[
    bool,
    typer.Option(
        "--cog", help="Make a .tif a cloud-optimised GeoTIFF, with overviews, for servers and web maps."
    ),
]

Variable = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Name of the cube inside a .mat or .npz; default: its largest 3-D array.",
        rich_help_panel=_SELECTION,
    ),
]
TruthVariable = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Name of the truth inside a .mat or .npz; default: a 2-D 0/1 array of the scene's size.",
        rich_help_panel=_SELECTION,
    ),
]
Bands = Annotated[
    str | None,
    typer.Option(
        metavar="RANGES",
        help="Bands to use, 1-based or in nm: 1-100,120 or 400-2450nm; default: all that are not marked bad.",
        rich_help_panel=_SELECTION,
    ),
]
ExcludeBands = Annotated[
    str | None,
    typer.Option(metavar="RANGES", help="Bands to leave out, as in --bands.", rich_help_panel=_SELECTION),
]
KeepConstantBands = Annotated[
    bool,
    typer.Option(
        "--keep-constant-bands",
        help="Use bands that hold one value everywhere, or none; by default they are left out.",
        rich_help_panel=_SELECTION,
    ),
]
WindowOption = Annotated[
    tuple[int, int, int, int] | None,
    typer.Option(
        metavar="COL ROW WIDTH HEIGHT",
        help="Part of the scene in pixels, 0-based from the top left.",
        show_default=False,
        rich_help_panel=_SELECTION,
    ),
]
Mask = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Raster of the scene's size; pixels that are 0 take no part.",
        rich_help_panel=_SELECTION,
    ),
]

BackgroundOption = Annotated[
    str | None,
    typer.Option(
        "--background",
        metavar="FILE",
        show_default=False,
        help="Take the statistics of the background from these pixels alone: polygons (.geojson, .gpkg, "
        ".shp), or a raster of the scene's size, 0 where not. All pixels are scored.",
        rich_help_panel=_SELECTION,
    ),
]
BackgroundExclude = Annotated[
    str | None,
    typer.Option(
        "--background-exclude",
        metavar="FILE",
        show_default=False,
        help="Leave these pixels out of the statistics of the background, as in --background.",
        rich_help_panel=_SELECTION,
    ),
]

Quality = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES|none",
        help="Quality masks of a product to apply, such as cloud,cirrus; default: those that had info shows "
        "as masking.",
        show_default=False,
        rich_help_panel=_SELECTION,
    ),
]
Ortho = Annotated[
    bool,
    typer.Option(
        "--ortho/--no-ortho",
        help="Put the scores of a scene on a sensor's own grid onto the map, by the lookup table it has.",
    ),
]

Device = Annotated[
    str,
    typer.Option(
        metavar="auto|cpu|cuda|cuda:N|mps",
        help="What computes; had devices lists them.",
        rich_help_panel=_RUNNING,
    ),
]
Engine = Annotated[
    EngineName,
    typer.Option(
        help="Whole scene in memory, or streamed from the file; auto decides by size.",
        rich_help_panel=_RUNNING,
    ),
]
Memory = Annotated[
    str | None,
    typer.Option(
        metavar="SIZE",
        help="Limit for blocks, e.g. 2GB; default: a quarter of what is free.",
        rich_help_panel=_RUNNING,
    ),
]
Seed = Annotated[
    int,
    typer.Option(
        parser=integer,
        callback=within(0, 2**32 - 1),
        metavar="INTEGER",
        help="For methods that draw at random.",
        rich_help_panel=_RUNNING,
    ),
]
