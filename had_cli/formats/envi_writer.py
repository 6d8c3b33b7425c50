"""Writing ENVI: the header first, the data window by window into a file of its final size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from had_cli.formats.envi_fields import DTYPES, EXTRA, INTERLEAVES, TAGS
from had_cli.formats.envi_header import listed, representable
from had_cli.formats.slab import Slab
from had_cli.formats.units import number, numbers, spectrum
from had_cli.scenes.source import SceneInfo, Sink, Window

_CODES = {np.dtype(text): code for code, text in DTYPES.items()}
# ENVI has no such types; the next wider one holds every value
_WIDER = {"int8": "int16", "float16": "float32", "bool": "uint8"}


def create_envi(path: str, info: SceneInfo, dtype: np.dtype[Any]) -> Sink:
    """Return a sink for NAME.hdr and NAME.img; BIL unless ``info.interleave`` is another of ENVI's."""
    dtype = np.dtype(_WIDER.get(np.dtype(dtype).name, dtype)).newbyteorder("<")
    interleave = info.interleave if info.interleave in INTERLEAVES else "bil"
    header = Path(path)
    data = header.with_suffix(".img")
    header.write_text(header_text(info, dtype, interleave), encoding="utf-8")
    with data.open("wb") as file:
        file.truncate(int(np.prod(info.shape, dtype=object)) * dtype.itemsize)
    return SlabSink(Slab(data, info.shape, dtype, interleave, writable=True), (1, info.shape[1]))


class SlabSink:
    """A sink into an uncompressed array; ``block`` is the natural window as in :class:`SceneInfo`."""

    def __init__(self, slab: Slab, block: tuple[int, int]) -> None:
        self._slab = slab
        self.block = block

    def write(self, window: Window, block: Any) -> None:
        """Store ``block``, height x width x bands."""
        self._slab.write(window, block)

    def close(self) -> None:
        """Finish the file."""
        self._slab.close()


def header_text(info: SceneInfo, dtype: np.dtype[Any], interleave: str) -> str:
    """Return the header of a raster; what ENVI has no field for is added as one line of JSON."""
    rows, cols, bands = info.shape
    extra: dict[str, Any] = {}
    fields = {
        "description": None,
        "samples": str(cols),
        "lines": str(rows),
        "bands": str(bands),
        "header offset": "0",
        "file type": "ENVI Standard",
        "data type": str(_CODES[dtype.newbyteorder("=")]),
        "interleave": interleave,
        "byte order": "0",
    }
    tags = {k: v for k, v in info.tags.items() if k not in TAGS or not _braced(v)}
    fields.update({k: f"{{{v}}}" for k, v in info.tags.items() if k not in tags})
    if tags:
        extra["tags"] = list(tags.items())
    if info.crs is not None or info.transform is not None:
        from had_cli.formats.envi_map import map_fields

        placed, beside = map_fields(info.crs, info.transform)
        fields.update(placed)
        extra.update(beside)
    fields.update(_bands(info, extra))
    fields.update(_values(info, extra))
    if extra:
        # braces would look like a list to other readers
        text = json.dumps(list(extra.items())).replace("{", "\\u007b").replace("}", "\\u007d")
        fields[EXTRA] = text
    return "ENVI\n" + "".join(f"{name} = {value}\n" for name, value in fields.items() if value is not None)


def _bands(info: SceneInfo, extra: dict[str, Any]) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    if info.wavelengths is not None:
        fields["wavelength units"] = "Nanometers"
        fields["wavelength"] = listed(numbers(info.wavelengths))
    if info.fwhm is not None:
        fields["fwhm"] = listed(numbers(info.fwhm))
    extra.update(_beside(info))
    if info.bad_bands is not None:
        fields["bbl"] = listed("0" if bad else "1" for bad in info.bad_bands)
    if info.band_names is not None:
        if representable(info.band_names):
            fields["band names"] = listed(info.band_names)
        else:
            extra["band_names"] = list(info.band_names)
    return fields


def _beside(info: SceneInfo) -> dict[str, list[float]]:
    """Return what a reader, ours among them, would take in another unit than it is in."""
    if info.wavelengths is None:
        return {} if info.fwhm is None else {"fwhm": info.fwhm.tolist()}
    back = spectrum(info.wavelengths, "nm", info.fwhm)
    pairs = {"wavelengths": (info.wavelengths, back.centres), "fwhm": (info.fwhm, back.widths)}
    return {
        name: ours.tolist()
        for name, (ours, theirs) in pairs.items()
        if ours is not None and (theirs is None or not np.array_equal(ours, theirs))
    }


def _values(info: SceneInfo, extra: dict[str, Any]) -> Mapping[str, str]:
    fields: dict[str, str] = {}
    if isinstance(info.nodata, tuple):
        extra["nodata"] = [v if v is None or np.isfinite(v) else str(v) for v in info.nodata]
    elif info.nodata is not None:
        fields["data ignore value"] = (
            str(info.nodata) if isinstance(info.nodata, int) else number(info.nodata)
        )
    if info.scale is not None:
        factor = 1 / float(info.scale[0]) if info.scale[0] else 0.0
        if info.offset is None and factor > 0 and bool((info.scale == 1 / factor).all()):
            fields["reflectance scale factor"] = number(factor)
        else:
            fields["data gain values"] = listed(numbers(info.scale))
    if info.offset is not None:
        fields["data offset values"] = listed(numbers(info.offset))
    return fields


def _braced(text: str) -> bool:
    """Return whether a tag survives in braces."""
    return text == text.strip() and len(text.splitlines()) == 1 and not {"{", "}"} & set(text)
