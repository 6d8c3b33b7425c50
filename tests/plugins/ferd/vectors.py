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


def state(shared: Path, vector: str) -> dict[str, dict[str, torch.Tensor]]:
    """Return the state dicts behind a vector, by the name of the released file or module."""
    names = json.loads((shared / "vectors" / "upstream_names.json").read_text())[vector]
    fill = rule(shared).fill
    return {
        part: {k: torch.from_numpy(np.asarray(v)) for k, v in fill(shapes).items()}
        for part, shapes in names.items()
    }


def cube(shared: Path, name: str, rows: int, cols: int, bands: int) -> np.ndarray:
    """Return a rows x cols x bands cube in [-0.1, 0.1]."""
    return rule(shared).cube(name, rows, cols, bands) * np.float32(0.2) - np.float32(0.1)
