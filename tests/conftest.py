"""What every test may use."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# A deadline for one example measures the machine and what else runs on it, not the code.
settings.register_profile("had", deadline=None)
settings.load_profile("had")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real scenes and golden vectors, or skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real scenes and golden vectors), which is not part of the repository")
    return SHARED


@pytest.fixture(scope="session")
def golden_cube(shared: Path) -> Callable[..., Any]:
    """Return the function that makes the cubes of the golden vectors: (name, rows, cols, bands) -> cube."""
    spec = importlib.util.spec_from_file_location("golden_fill", shared / "vectors" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.cube


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the defaults that whoever runs the tests has set for ``had`` out of them."""
    monkeypatch.setenv("HAD_CONFIG", "")
    monkeypatch.delenv("HAD_METHOD", raising=False)


@pytest.fixture(autouse=True)
def _quiet_loggers() -> Iterator[None]:
    """Undo what ``--verbose`` does to loggers in a test that runs a command within this process."""
    yield
    for name, logger in logging.root.manager.loggerDict.items():
        if name.startswith("had_") and isinstance(logger, logging.Logger):
            logger.handlers = []
            logger.setLevel(logging.NOTSET)
