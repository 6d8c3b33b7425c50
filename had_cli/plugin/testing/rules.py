"""The rules that the kit checks, each with its name on the page of the author's guide."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

PAGE = "docs/plugins/testing.md"

RULES = {
    "light": "describing a method imports nothing heavy",
    "told": "what a method declares is explained, and what it refers to exists",
    "sound-weights": "weights that come with a method are sound",
    "whole-map": "the map has the scene's rows and columns, and is float32",
    "every-valid-pixel": "the map is finite where a pixel is valid, and NaN elsewhere",
    "high-is-anomalous": "high scores mean anomalous",
    "blind": "scores do not depend on the truth that a scene carries",
    "nameless": "scores do not depend on the name or the place of a scene",
    "same-seed": "the same seed gives the same bytes, in this process and in another",
    "no-memory": "nothing is kept from one scene to the next",
    "read-only": "a method writes neither into the scene nor into its blocks, invalid pixels included",
    "no-seams": "neither the size nor the order of blocks changes a score",
    "travelling": "reductions and block maps can be pickled",
    "typeless": "the type that a scene is stored in does not matter",
    "any-scene": "every scene is scored, or refused in one line",
}


@contextlib.contextmanager
def keeping(name: str) -> Iterator[None]:
    """Say of whatever fails inside which rule is broken, and where it is explained.

    Raises
    ------
    AssertionError
        When anything inside fails, an error of the method itself included.
    """
    try:
        yield
    except Exception as error:
        said = str(error).strip() or type(error).__name__
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        raise AssertionError(f"rule {name}: {RULES[name]} (see {PAGE}#{name})\n{kind}{said}") from error
