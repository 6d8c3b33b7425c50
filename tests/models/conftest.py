"""A distribution from outside that bundles weights, and scenes for it."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np
import pytest
from command_line import had
from distributions import MEAN, install, site

from had_cli.plugin import host
from had_cli.plugin.testing import example_cube

__all__ = ["had", "site"]

PACKAGE = MEAN.replace(
    "    @hookimpl", "    from had_mean.bundled import BUNDLED\n\n    @hookimpl", 1
).replace('weights="required",', 'weights="required",\n                bundled=BUNDLED,')


@pytest.fixture(autouse=True)
def _users_folder(tmp_path, monkeypatch):
    """Put the user's folder of weights where the test can fill it."""
    monkeypatch.setattr("platformdirs.user_data_path", lambda *_, **__: tmp_path / "user")


@pytest.fixture
def own(tmp_path):
    """Return the user's folder of weights."""
    folder = tmp_path / "user" / "models"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def scene(tmp_path):
    """Return the path of a scene of 6 bands."""
    path = tmp_path / "line.npy"
    np.save(path, example_cube(20, 24, 6)[0])
    return path


@pytest.fixture
def anew() -> Callable[[], None]:
    """Return the function that makes the next command see the distribution as it is now."""

    def forget() -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "had_mean"]:
            del sys.modules[name]
        host.forget()

    return forget


@pytest.fixture
def package(site):
    """Install ``had-mean`` as a package that lists its weights, and has none yet."""
    (site / "had_mean" / "bundled").mkdir(parents=True)
    empty = (
        "from had_cli.plugin.descriptions import BundledWeights\nBUNDLED: tuple[BundledWeights, ...] = ()\n"
    )
    modules = {"had_mean/__init__": PACKAGE, "had_mean/bundled/__init__": empty}
    install(site, "had-mean", {"mean": "had_mean"}, modules)
    return site / "had_mean"


@pytest.fixture
def bundled(had, package, scene, tmp_path, anew):
    """Return the file of the weights ``mean-6`` that ``had-mean`` comes with."""
    assert had("train", "-m", "mean", scene, "-o", tmp_path / "trained.safetensors").status == 0
    made = had("plugins", "bundle", tmp_path / "trained.safetensors", "--name", "mean-6")
    assert made.status == 0, made.err
    anew()
    return package / "bundled" / "mean-6.safetensors"
