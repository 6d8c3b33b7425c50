"""What the tests of ``had bench`` start from."""

import subprocess

import pytest
from benching import METHODS, make, program
from distributions import install, site

__all__ = ["site"]


@pytest.fixture
def methods(site):
    """Install methods for tests; their names are in ``METHODS``."""
    install(site, "had-tests", {"tests": "had_tests_methods"}, {"had_tests_methods": METHODS})
    return site


@pytest.fixture
def scenes(tmp_path):
    """Return a folder of two scenes that carry their truth."""
    folder = tmp_path / "scenes"
    folder.mkdir()
    make(folder / "alpha.mat", 1)
    make(folder / "beta.mat", 2)
    return folder


@pytest.fixture
def had(tmp_path):
    """Return ``had(*words)``, which runs the program as a user would and returns how it ended."""

    def run(*words, site=None, **how):
        command, environment = program(*words, site=site)
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, **how
        )

    return run
