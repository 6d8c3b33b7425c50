"""Folders of files as FERD's authors release them."""

from __future__ import annotations

from pathlib import Path

import torch

from had_ferd.fen import random_fen


def save_released(folder: Path, files: dict[str, dict[str, torch.Tensor]]) -> Path:
    """Write one .pt file per part, each a dict with the one key ``state_dict``."""
    folder.mkdir(exist_ok=True)
    for name, tensors in files.items():
        torch.save({"state_dict": tensors}, folder / name)
    return folder


def released_state(bands: int = 8, seed: int = 0) -> dict[str, dict[str, torch.Tensor]]:
    """Return the three state dicts of an untrained network."""
    state = random_fen(bands, seed).state_dict()
    parts = {"convh.pt": "", "enc.pt": "encoder.", "pc.pt": "pc."}
    return {
        file: {n.removeprefix(p): t for n, t in state.items() if n.startswith(p or "convh.")}
        for file, p in parts.items()
    }
