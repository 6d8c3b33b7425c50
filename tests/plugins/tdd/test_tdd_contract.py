"""TDD keeps the contract of every method."""

import pytest
from tdd_small import model

from had_cli.plugin.testing import MethodContract


class _Small(MethodContract):
    method = "tdd"
    least_auc = None  # an untrained network promises nothing

    kind: str

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def untrained(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.weights = tmp_path_factory.mktemp("weights") / "tdd.safetensors"
        model(cls.bands, cls.kind).weights().save(cls.weights)


class TestTdd(_Small):
    kind = "max"


class TestTddWhitened(_Small):
    kind = "whiten"
    rtol = 1e-4  # whitening amplifies the rounding of a covariance
