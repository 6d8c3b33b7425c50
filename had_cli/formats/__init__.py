"""The built-in scene formats, offered through the same hooks as any plugin's.

A reader's ``open(path, options)`` understands these options:

variable, truth_variable
    Names of the cube and of the truth inside a file that holds several arrays.
layer, shapes
    ``layer`` is ``"scores"``, ``"truth"`` or ``"mask"`` where a single map is wanted rather than a
    scene; files that hold bare arrays then accept one of two axes. ``shapes`` are the sizes
    (rows, cols) it may have, where they are known.

Nothing here imports numpy: the code behind a description is imported when a file is opened.
"""

from __future__ import annotations

from had_cli.formats.products import product_readers
from had_cli.plugin.descriptions import Reader, Writer
from had_cli.plugin.hooks import hookimpl


@hookimpl
def had_readers() -> list[Reader]:
    """Return the readers of sensors' products, MATLAB, ENVI, NumPy and everything GDAL opens."""
    return [
        *product_readers(),
        Reader(
            name="mat",
            summary="MATLAB files, version 5 and 7.3",
            open="had_cli.formats.mat:open_mat",
            suffixes=(".mat",),
        ),
        Reader(
            name="envi",
            summary="ENVI rasters (.hdr and its data file)",
            open="had_cli.formats.envi:open_envi",
            suffixes=(".hdr",),
            sniff="had_cli.formats.envi:has_header",
        ),
        Reader(
            name="npy",
            summary="NumPy arrays",
            open="had_cli.formats.npy:open_npy",
            suffixes=(".npy",),
        ),
        Reader(
            name="npz",
            summary="NumPy archives",
            open="had_cli.formats.npz:open_npz",
            suffixes=(".npz",),
        ),
        Reader(
            name="gdal",
            summary="GeoTIFF and whatever else GDAL opens, also by URL",
            open="had_cli.formats.gdal:open_gdal",
            suffixes=(".tif", ".tiff", ".vrt", ".zip", ".png", ".jp2", ".nc"),
            sniff="had_cli.formats.gdal:opens",
        ),
    ]


@hookimpl
def had_writers() -> list[Writer]:
    """Return the writers of GeoTIFF, ENVI, MATLAB and NumPy files."""
    return [
        Writer(
            name="geotiff",
            summary="GeoTIFF, tiled and compressed",
            create="had_cli.formats.geotiff:create_geotiff",
            suffixes=(".tif", ".tiff"),
        ),
        Writer(
            name="cog",
            summary="Cloud-optimised GeoTIFF, with overviews and statistics (--cog)",
            create="had_cli.formats.cog:create_cog",
            suffixes=(".tif", ".tiff"),
        ),
        Writer(
            name="envi",
            summary="ENVI header and data file",
            create="had_cli.formats.envi_writer:create_envi",
            suffixes=(".hdr",),
        ),
        Writer(
            name="zarr",
            summary="Zarr store, as xarray reads it",
            create="had_cli.formats.zarr_writer:create_zarr",
            suffixes=(".zarr",),
            folder=True,
        ),
        Writer(
            name="mat",
            summary="MATLAB, version 5, or 7.3 from 2 GB on",
            create="had_cli.formats.mat_writer:create_mat",
            suffixes=(".mat",),
        ),
        Writer(
            name="npy",
            summary="NumPy array with a JSON sidecar",
            create="had_cli.formats.numpy_writer:create_npy",
            suffixes=(".npy",),
        ),
        Writer(
            name="npz",
            summary="NumPy archive",
            create="had_cli.formats.numpy_writer:create_npz",
            suffixes=(".npz",),
        ),
    ]
