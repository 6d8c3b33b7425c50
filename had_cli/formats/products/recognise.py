"""Which file is which product: by name, so that a damaged one is told as what it is, else by content."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import h5py


def is_emit(path: str) -> bool:
    """Return whether it is a cube of EMIT."""
    if re.match(r"EMIT_L\w+_(RFL|RAD)_.*\.nc$", Path(path).name, re.IGNORECASE):
        return True
    return _holds(
        path,
        lambda file: "sensor_band_parameters" in file and ("reflectance" in file or "radiance" in file),
    )


def is_prisma(path: str) -> bool:
    """Return whether it is a product of PRISMA."""
    if re.match(r"PRS_L\w+_.*\.he5$", Path(path).name, re.IGNORECASE):
        return True
    return _holds(path, lambda file: any(name.startswith("PRS_L") for name in file.get("HDFEOS/SWATHS", ())))


def is_enmap(path: str) -> bool:
    """Return whether it is the image or the metadata of an EnMAP product that is put onto a map."""
    return _is_dlr(path, "ENMAP", b"<bandID")


def is_desis(path: str) -> bool:
    """Return whether it is the image or the metadata of a DESIS product."""
    return _is_dlr(path, "DESIS", b"<band>")


def is_aviris(path: str) -> bool:
    """Return whether it is a NetCDF cube of AVIRIS-3 or AVIRIS-5."""
    if re.match(r"AV[35]\d{8}t\d{6}.*(RFL_ORT|RDN|RFL)\.nc$", Path(path).name, re.IGNORECASE):
        return True
    return _holds(
        path,
        lambda file: any(
            f"{name}/{name}" in file and f"{name}/wavelength" in file for name in ("reflectance", "radiance")
        ),
    )


def is_neon(path: str) -> bool:
    """Return whether it is a reflectance file of NEON."""
    if re.match(r"NEON_.*_reflectance\.h5$", Path(path).name, re.IGNORECASE):
        return True
    return _holds(path, lambda file: any(f"{name}/Reflectance/Reflectance_Data" in file for name in file))


def is_tanager(path: str) -> bool:
    """Return whether it is a product of Tanager."""
    if re.match(r".*_(ortho|basic)_(sr|radiance)_hdf5\.h5$", Path(path).name, re.IGNORECASE):
        return True
    return _holds(path, lambda file: any(f"HDFEOS/{kind}/HYP" in file for kind in ("GRIDS", "SWATHS")))


_DLR = re.compile(r"(?P<scene>.+)-(SPECTRAL_IMAGE(_COG)?\.tiff?|METADATA\.xml)$", re.IGNORECASE)


def _is_dlr(path: str, mission: str, sign: bytes) -> bool:
    match = _DLR.match(Path(path).name)
    if match is None:
        return False
    if match["scene"].upper().startswith(("ENMAP", "DESIS")):
        return match["scene"].upper().startswith(mission)
    for name in (f"{match['scene']}-METADATA.XML", f"{match['scene']}-METADATA.xml"):
        metadata = Path(path).with_name(name)
        if metadata.is_file():
            return sign in metadata.read_bytes()[: 64 * 1024 * 1024]
    return False


def _holds(path: str, test: Callable[[h5py.File], bool]) -> bool:
    """Return what ``test`` says of an HDF5 file; False of any other."""
    import h5py

    if not h5py.is_hdf5(path):
        return False
    from had_cli.foreign.hdf5 import DAMAGED, open_guarded

    try:
        with open_guarded(path) as file:
            return bool(test(file))
    except DAMAGED:  # or leading elsewhere: another reader says so
        return False
