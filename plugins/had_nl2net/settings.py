"""What a training is asked for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from had_cli.plugin import UsageError
from had_nl2net import CUBE, DEFAULTS

__all__ = ["CUBE", "Settings", "refuse_beside_weights"]


# Steps where none are asked for: so many pixels in all, for a step takes the longer the more there are.
PIXELS, FEWEST, MOST = 1_000_000, 40, 100


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Parameters of the network and of its training, as in the options of the same names."""

    input: str
    components: int
    factor: int
    epochs: int
    learning_rate: float
    loss: Literal["l1", "l2"]
    weight_decay: float
    start: Literal["mean", "random"]
    channels: int
    blocks: int
    patience: int
    tile_size: int

    @classmethod
    def of(cls, params: Any, shape: tuple[int, ...]) -> Settings:
        """Return those in ``params``, with defaults for what is None; ``shape`` is the scene's."""
        given = {field.name: getattr(params, field.name) for field in fields(cls)}
        known = {name: DEFAULTS[name] if value is None else value for name, value in given.items()}
        if known["epochs"] is None:
            pixels = min(shape[0] * shape[1], known["tile_size"] ** 2)
            known["epochs"] = max(FEWEST, min(MOST, PIXELS // pixels))
        return cls(**known)

    @property
    def halo(self) -> int:
        """Pixels around the part of a tile that is kept: what the local branch reaches, or a quarter.

        A ring (2) and six dilated convolutions (3 each) reach 20 pixels of the mosaic, each ``factor``
        pixels of the scene.
        """
        return min((2 + 3 * self.blocks) * self.factor, self.tile_size // 4)

    @property
    def core(self) -> int:
        """The side of the part of a tile that is kept."""
        return self.tile_size - 2 * self.halo

    def is_large(self, rows: int, cols: int) -> bool:
        """Return whether a scene of this size is cut."""
        return rows * cols > self.tile_size**2


def refuse_beside_weights(params: Any, allowed: tuple[str, ...] = ()) -> None:
    """Check that no parameter of the training was given, for the weights have theirs.

    Raises
    ------
    UsageError
        Naming the first that was.
    """
    for field in fields(Settings):
        if field.name not in allowed and getattr(params, field.name) is not None:
            option = "--" + field.name.replace("_", "-")
            raise UsageError(f"{option} belongs to the training of the weights; leave it or --weights out")
    if params.log_file is not None:
        raise UsageError("--log-file logs a training, and --weights leaves none to do; leave one of them out")
