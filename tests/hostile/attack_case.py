"""What a case of the attack is."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Case:
    """What one case runs: ``words`` after ``had`` in a folder that its maker has filled.

    ``parts`` says that the command may leave outputs although it fails, as one of several scenes;
    ``replaced`` are files that it may replace: they are there, but it does not read them.
    """

    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    parts: bool = False
    replaced: tuple[str, ...] = ()


Maker = Callable[[random.Random, Path], Case]
