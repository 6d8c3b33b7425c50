"""Scene metadata as JSON: the sidecar of .npy, and a text inside .npz and .mat."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from had_cli.errors import SceneError
from had_cli.foreign.texts import parse_json
from had_cli.scenes.source import SceneInfo

VERSION = 1


def to_json(info: SceneInfo) -> str:
    """Return the metadata of ``info`` (all but shape, dtype, truth and notes) as ASCII JSON."""

    def listed(values: Any) -> list[Any] | None:
        return None if values is None else values.tolist()

    nodata = info.nodata
    fields = {
        "shape": list(info.shape),
        "wavelengths": listed(info.wavelengths),
        "fwhm": listed(info.fwhm),
        "band_names": None if info.band_names is None else list(info.band_names),
        "bad_bands": listed(info.bad_bands),
        "nodata": [_plain(v) for v in nodata] if isinstance(nodata, tuple) else _plain(nodata),
        "scale": listed(info.scale),
        "offset": listed(info.offset),
        "crs": info.crs,
        "transform": None if info.transform is None else list(info.transform),
        "tags": dict(info.tags) or None,
    }
    return json.dumps(
        {"had": VERSION, **{k: v for k, v in fields.items() if v is not None}}, allow_nan=False, indent=1
    )


def from_json(text: str, where: str) -> dict[str, Any]:
    """Return keyword arguments for :class:`SceneInfo` from :func:`to_json` or a hand-written text.

    ``"shape"``, where present, is returned as well. Every field is optional; ``had`` may be absent.

    Raises
    ------
    SceneError
        When the text is no JSON object or a field holds what it cannot; ``where`` names the text.
    """
    try:
        fields = parse_json(text, finite=False)  # Python writes NaN for nodata
    except ValueError as error:
        raise SceneError(f"{where}: the metadata is not JSON ({error}); correct or remove it") from error
    if not isinstance(fields, dict):
        raise SceneError(f"{where}: the metadata is not a JSON object; correct or remove it")
    found: dict[str, Any] = {}
    for name, convert in _FIELDS.items():
        if fields.get(name) is not None:
            try:
                found[name] = convert(fields[name])
            except (TypeError, ValueError, OverflowError) as error:
                raise SceneError(
                    f"{where}: the metadata field {name!r} is not valid; correct or remove it"
                ) from error
    return found


def _plain(value: float | None) -> float | str | None:
    # JSON has no NaN and no infinity
    return value if value is None or math.isfinite(value) else str(float(value))


def _vector(values: Any) -> Any:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1:
        raise ValueError("not a list of numbers")
    return array


def _flags(values: Any) -> Any:
    array = np.asarray(values)
    if array.ndim != 1 or not all(v in (0, 1) for v in values):
        raise ValueError("not a list of true and false")
    return array.astype(bool)


def _nodata(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(None if v is None else _number(v) for v in value)
    return _number(value)


def _number(value: Any) -> float | int:
    exact = isinstance(value, int) and -(2**63) <= value < 2**64  # of the integers that files can hold
    return value if exact else float(value)


def _transform(values: Any) -> Any:
    coefficients = tuple(float(v) for v in values)
    if len(coefficients) != 6:
        raise ValueError("not six numbers")
    return coefficients


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


_FIELDS: dict[str, Callable[[Any], Any]] = {
    "shape": lambda v: tuple(int(n) for n in v),
    "wavelengths": _vector,
    "fwhm": _vector,
    "band_names": lambda v: tuple(_text(n) for n in v),
    "bad_bands": _flags,
    "nodata": _nodata,
    "scale": _vector,
    "offset": _vector,
    "crs": _text,
    "transform": _transform,
    "tags": lambda v: {_text(k): _text(t) for k, t in v.items()},
}
