"""Numbers and pictures as text that a page can carry."""

from __future__ import annotations

import base64
import json
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

# name in the page -> stored type; little-endian, as every browser reads typed arrays today
_TYPES = {"u1": "|u1", "u2": "<u2", "i4": "<i4", "f4": "<f4"}

LEVELS = 65534
"""Steps of a quantised band; 65535 marks a value that is missing."""


def packed(array: npt.NDArray[Any], kind: str) -> dict[str, Any]:
    """Return ``array`` as JSON: its type (u1, u2, i4 or f4), its shape, and its values in base64."""
    stored = np.ascontiguousarray(array, dtype=_TYPES[kind])
    return {
        "type": kind,
        "shape": list(array.shape),
        "data": base64.b64encode(stored.tobytes()).decode("ascii"),
    }


def packed_bits(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Return a mask as JSON, eight pixels to a byte, the first in the lowest bit."""
    bits = np.packbits(mask.reshape(-1), bitorder="little")
    return {**packed(bits, "u1"), "shape": list(mask.shape)}


def quantised(spectra: npt.NDArray[np.floating[Any]]) -> dict[str, Any]:
    """Return n x bands spectra as JSON, each band in 65,534 steps of its own range.

    A value is off by at most 1/131,068 of what its band spans; NaN stays NaN.
    """
    finite = np.isfinite(spectra)
    low = np.where(finite, spectra, np.inf).min(axis=0, initial=np.inf)
    high = np.where(finite, spectra, -np.inf).max(axis=0, initial=-np.inf)
    low, high = np.where(low > high, 0, low), np.where(low > high, 0, high)
    # in double: the range of two float32 values may not be one
    low, high = low.astype(np.float64), high.astype(np.float64)
    step = np.where(high > low, high - low, 1.0) / LEVELS
    codes = np.full(spectra.shape, LEVELS + 1, dtype=np.uint16)
    np.rint(
        np.divide(spectra - low, step, where=finite, out=np.zeros(spectra.shape)),
        out=codes,
        where=finite,
        casting="unsafe",
    )
    return {**packed(codes, "u2"), "low": low.tolist(), "step": step.tolist()}


def png(picture: npt.NDArray[np.uint8]) -> str:
    """Return a rows x cols x 4 picture (red, green, blue, opacity) as the URL of a PNG."""
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import MemoryFile

    rows, cols, layers = picture.shape
    with MemoryFile() as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # a picture lies nowhere
        with file.open(driver="PNG", height=rows, width=cols, count=layers, dtype="uint8") as raster:
            raster.write(np.moveaxis(picture, 2, 0))
        content = file.read()
    return "data:image/png;base64," + base64.b64encode(content).decode("ascii")


def script_json(content: Any) -> str:
    """Return ``content`` as JSON that can stand inside a script element, whatever texts it holds.

    A file may be called ``</script>``: the characters that HTML gives a meaning are written as escapes,
    which JSON reads back as the same characters.
    """
    text = json.dumps(content, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
