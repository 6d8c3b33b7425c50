"""Maps that are computed together: what they measure of the scene in one pass, their values in another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from had_cli.plugin import Block, BlockMap
from had_ssf.surroundings import trimmed


class Member(Protocol):
    """One map that takes part in the fusion. Must be picklable.

    Attributes
    ----------
    name : what its band is called
    halo : pixels around a core that it looks at
    """

    @property
    def name(self) -> str:
        """What its band is called."""
        ...

    @property
    def halo(self) -> int:
        """How many pixels around a core it looks at."""
        ...

    def measured(self, block: Block) -> Any:
        """Return what has to be known of the valid pixels of a core, which has some."""
        ...

    def merged(self, first: Any, second: Any) -> Any:
        """Return what is known of both."""
        ...

    def scores(self, known: Any) -> BlockMap:
        """Return the map, with what is known of the scene; it looks as far as the member."""
        ...


@dataclass(frozen=True)
class Survey:
    """Block reduction to what every member has to know of the scene."""

    members: tuple[Member, ...]

    def compute(self, block: Block) -> tuple[Any, ...]:
        """Return what each member measures."""
        return tuple(member.measured(trimmed(block, member.halo)) for member in self.members)

    def merge(self, first: tuple[Any, ...], second: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return what is known of both."""
        return tuple(m.merged(a, b) for m, a, b in zip(self.members, first, second, strict=True))


@dataclass(frozen=True)
class Maps:
    """Block map to the values of every member, as layers in their order."""

    functions: tuple[BlockMap, ...]
    halos: tuple[int, ...]

    def __call__(self, block: Block) -> Any:
        """Return core height x core width x members."""
        layers = [f(trimmed(block, halo)) for f, halo in zip(self.functions, self.halos, strict=True)]
        return block.xp.stack(layers, axis=-1)
