"""The state of a training in a file, from which it goes on as if nothing had happened."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from had_cli.plugin import HadError, OutputError, read_checkpoint
from had_nl2net.learning import Training
from had_nl2net.settings import Settings

NAME = "nl2net.ckpt"
# may differ in the resumed training: more epochs are often why it is resumed
_FREE = ("epochs", "patience")


@dataclass(frozen=True)
class Checkpoint:
    """The state in one folder, of one training.

    Attributes
    ----------
    folder : where the file is
    every : epochs between two states
    identity : what the training depends on; another training's state is refused
    """

    folder: Path
    every: int
    identity: dict[str, Any]

    @classmethod
    def of(
        cls, folder: Path, every: int, settings: Settings, *, seed: int, scene: str, precision: torch.dtype
    ) -> Checkpoint:
        """Return the checkpoint of a training on the scene of that hash."""
        asked = {name: value for name, value in asdict(settings).items() if name not in _FREE}
        return cls(folder, every, {**asked, "seed": seed, "scene": scene, "precision": str(precision)})

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / NAME

    def save(self, training: Training) -> None:
        """Write the state under a temporary name, and rename it when it is on the disk."""
        state = {
            "identity": self.identity,
            "losses": training.losses,
            "network": training.network.state_dict(),
            "optimiser": training.optimiser.state_dict(),
        }
        temporary = self.path.with_suffix(".part")
        try:
            with temporary.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except OSError as error:
            raise OutputError(f"{self.path}: cannot be written ({error.strerror})") from error

    def load(self, training: Training) -> None:
        """Set ``training`` to the state saved; without one, it begins at the beginning.

        Raises
        ------
        HadError
            When the state is damaged or of another training.
        """
        if not self.path.exists():
            return
        state = read_checkpoint(self.path)
        found = state.get("identity") if isinstance(state, dict) else None
        if not isinstance(found, dict):
            raise HadError(f"{self.path}: no state of a training of nl2net; remove it or leave --resume out")
        different = [name for name, value in self.identity.items() if found.get(name) != value]
        if different:
            raise HadError(
                f"{self.path}: the state of a training with another {different[0]} "
                f"({found.get(different[0])!r}); give the same options, or leave --resume out"
            )
        training.network.load_state_dict(state["network"])
        training.optimiser.load_state_dict(state["optimiser"])
        training.losses[:] = state["losses"]
