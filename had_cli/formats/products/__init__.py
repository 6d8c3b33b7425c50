"""Readers of sensor products: one module each, as described in docs/guide/products.md.

Each is found by its structure or its name (:mod:`had_cli.formats.products.recognise`), because products
share their suffixes with plain rasters. Nothing here imports numpy.
"""

from __future__ import annotations

from had_cli.plugin.descriptions import Reader

_PRODUCTS = (
    ("emit", "EMIT L2A reflectance and L1B radiance", (".nc",)),
    ("prisma", "PRISMA L1, L2B, L2C and L2D", (".he5",)),
    ("enmap", "EnMAP L1C and L2A, by the image or its METADATA.XML", (".tif", ".tiff", ".xml")),
    ("desis", "DESIS L1C and L2A, by the image or its METADATA.xml", (".tif", ".tiff", ".xml")),
    ("aviris", "AVIRIS-3 and AVIRIS-5 in NetCDF", (".nc",)),
    ("neon", "NEON reflectance, flight lines and tiles", (".h5",)),
    ("tanager", "Tanager surface reflectance and radiance", (".h5",)),
    ("netcdf", "NetCDF-4 cubes with a coordinate of wavelengths", (".nc", ".nc4")),
    ("zarr", "Zarr stores with a cube and a coordinate of wavelengths", (".zarr",)),
)
# the rest is named after the reader
_MODULES = {"netcdf": "netcdf", "zarr": "zarr_store"}


def product_readers() -> list[Reader]:
    """Return the descriptions of all product readers; the first that recognises a file has it."""
    return [
        Reader(
            name=name,
            summary=summary,
            open=f"had_cli.formats.products.{_MODULES.get(name, name)}:open_{name}",
            recognise=f"had_cli.formats.products.{_MODULES.get(name, 'recognise')}:is_{name}",
            suffixes=suffixes,
        )
        for name, summary, suffixes in _PRODUCTS
    ]
