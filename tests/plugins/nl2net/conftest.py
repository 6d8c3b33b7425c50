"""Scenes and quick trainings for the tests of NL2Net."""

from __future__ import annotations

import importlib.util
import json
from types import ModuleType

import numpy as np
import pytest
import torch

# a narrow network and few steps: what is tested does not depend on either
QUICK = {"epochs": 4, "channels": 8, "blocks": 3, "precision": "float32"}


@pytest.fixture(autouse=True)
def one_thread():
    """Several workers on two cores would otherwise fight over them."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def quick() -> dict:
    return dict(QUICK)


@pytest.fixture(scope="session")
def filling(shared) -> ModuleType:
    """The rule that fills the vectors' networks."""
    spec = importlib.util.spec_from_file_location("vectors_fill", shared / "vectors" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def released(shared, filling, tmp_path):
    """Write the state dict of a vector as the released system would; returns a function of its name."""
    names = json.loads((shared / "vectors" / "upstream_names.json").read_text())
    ring = np.ones((64, 64, 5, 5), np.float32)
    ring[:, :, 1:4, 1:4] = 0

    def write(vector: str):
        shapes = {name: tuple(shape) for name, shape in names[vector]["pkl"].items()}
        filled = filling.fill({name: shape for name, shape in shapes.items() if not name.endswith("mask")})
        arrays = {name: filled.get(name, ring) for name in shapes}
        path = tmp_path / f"NL2Net_{vector}_100.pkl"
        torch.save({name: torch.tensor(array) for name, array in arrays.items()}, path)
        return path

    return write
