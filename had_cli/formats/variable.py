"""A named array in a MATLAB file or NumPy archive, not read yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Variable:
    """A named array in a file; ``numeric`` as far as known without reading it."""

    name: str
    shape: tuple[int, ...]
    numeric: bool
    load: Callable[[], Array]

    def __str__(self) -> str:
        return f"{self.name} ({'x'.join(map(str, self.shape))})"

    @property
    def leaf(self) -> str:
        """The name without the structures around it."""
        return self.name.rsplit(".", 1)[-1]
