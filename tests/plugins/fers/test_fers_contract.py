"""FERS keeps the contract of every method, with either fusion and every scoring."""

from typing import ClassVar

import pytest
from networks import untrained

from had_cli.plugin.testing import MethodContract


class _WithUntrainedWeights(MethodContract):
    method = "fers"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def untrained(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.weights = tmp_path_factory.mktemp("weights") / "fers.safetensors"
        untrained(cls.bands).save(cls.weights)


class TestFersBySum(_WithUntrainedWeights):
    params: ClassVar = {"fusion": "sum"}


class TestFersByProduct(_WithUntrainedWeights):
    params: ClassVar = {"fusion": "product"}


class TestFersWithSlrx(_WithUntrainedWeights):
    params: ClassVar = {"scoring": "slrx", "block_size": 8}


class TestFersWithAutoencoder(_WithUntrainedWeights):
    params: ClassVar = {"scoring": "ae"}
    least_auc = None  # fifty steps learn little of sixteen bands
