"""What every test may use."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder of real scenes and golden vectors, or skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs ../shared (real scenes and golden vectors), which is not part of the repository")
    return SHARED
