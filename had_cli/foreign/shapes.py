"""Documents of a known shape: what is read from a file is checked once, and trusted from there on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


class Each:
    """An object with any keys, whose values are all of one shape."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


class Maybe:
    """A value of a shape, or null."""

    def __init__(self, shape: Any) -> None:
        self.shape = shape


def number(value: Any) -> bool:
    """Tell whether it is what ``json_value`` makes of a number: NaN is null, infinities are texts."""
    if value is None or value in ("inf", "-inf", "nan"):
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= 1e308


def differs(value: Any, shape: Any, where: str = "it") -> str | None:
    """Return where ``value`` has another shape than it must, or None.

    Parameters
    ----------
    shape
        A type; a function that tells; a list of one shape, for lists of it; a mapping, whose keys an
        object must have; :class:`Each`; :class:`Maybe`.
    """
    if isinstance(shape, Maybe):
        return None if value is None else differs(value, shape.shape, where)
    if isinstance(shape, type):
        fits = isinstance(value, shape) and (shape is not int or not isinstance(value, bool))
        return None if fits else where
    if callable(shape):
        return None if shape(value) else where
    if not isinstance(value, list if isinstance(shape, list) else dict):
        return where
    pairs = _parts(value, shape, where)
    return next((found for place, item, inner in pairs if (found := differs(item, inner, place))), None)


def _parts(value: Any, shape: Any, where: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield the parts of a list or object: where they are, what they are, what they must be."""
    if isinstance(shape, list):
        yield from ((f"{where}[{i}]", item, shape[0]) for i, item in enumerate(value))
    elif isinstance(shape, Each):
        yield from ((f"{where}.{key}", item, shape.shape) for key, item in value.items())
    else:
        yield from ((f"{where}.{key}", value.get(key, _ABSENT), inner) for key, inner in shape.items())


_ABSENT = object()
