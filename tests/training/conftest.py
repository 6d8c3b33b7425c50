"""A method that can be trained, as a plugin from outside."""

import pytest
from distributions import MEAN, install, site

__all__ = ["mean", "site"]


@pytest.fixture
def mean(site):
    """Install ``mean``, which learns the mean spectrum."""
    install(site, "had-mean", {"mean": "had_mean"}, {"had_mean": MEAN})
    return "mean"
