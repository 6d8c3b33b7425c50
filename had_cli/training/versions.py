"""Which versions of what a training ran with."""

from __future__ import annotations

import platform
import sys

import numpy as np

from had_cli._version import __version__
from had_cli.plugin import host


def versions(method: str) -> dict[str, str]:
    """Return the versions of had, Python, numpy, torch (where it was imported) and the method's plugin."""
    found = {"had": __version__, "python": platform.python_version(), "numpy": np.__version__}
    if "torch" in sys.modules:
        found["torch"] = str(sys.modules["torch"].__version__)
    owner = next((p for p in host.plugins() if method in {m.name for m in p.offer.methods}), None)
    return found if owner is None else {owner.distribution: owner.version, **found}
