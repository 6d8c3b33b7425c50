"""Golden vectors of ``../shared/vectors``: the cubes and weights behind them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import torch


def rule(shared: Path) -> ModuleType:
    """Return the module ``fill.py`` that rebuilds cubes and weights."""
    spec = importlib.util.spec_from_file_location("fill", shared / "vectors" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def state(shared: Path, vector: str, part: str) -> dict[str, torch.Tensor]:
    """Return a state dict behind a vector, by its released names."""
    shapes = json.loads((shared / "vectors" / "upstream_names.json").read_text())[vector][part]
    return {name: torch.from_numpy(np.asarray(t)) for name, t in rule(shared).fill(shapes).items()}


def image(shared: Path, name: str, rows: int, cols: int, bands: int) -> torch.Tensor:
    """Return the cube as 1 x bands x rows x cols."""
    return torch.from_numpy(rule(shared).cube(name, rows, cols, bands)).permute(2, 0, 1)[None]


def vector(shared: Path, name: str):
    """Return the arrays of a vector."""
    return np.load(shared / "vectors" / f"{name}.npz")


def alike(found, expected, relative=1e-5):
    """Compare to a part of the greatest value: rounding of a sum is no part of what it happens to give."""
    expected = np.asarray(expected).squeeze()
    np.testing.assert_allclose(
        np.asarray(found).squeeze(), expected, rtol=0, atol=relative * np.abs(expected).max()
    )
