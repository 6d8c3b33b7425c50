"""FERD keeps the contract of every method."""

from typing import ClassVar

import pytest

from had_cli.plugin.testing import MethodContract
from had_cli.scenes.bands import BandGrid
from had_ferd.fen import random_fen
from had_ferd.weights import to_weights


class _WithUntrainedWeights(MethodContract):
    method = "ferd"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def untrained(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        cls.weights = tmp_path_factory.mktemp("weights") / "ferd.safetensors"
        to_weights(random_fen(cls.bands), BandGrid(cls.bands)).save(cls.weights)


class TestFerd(_WithUntrainedWeights):
    pass


class TestFerdWithSlrx(_WithUntrainedWeights):
    params: ClassVar = {"scoring": "slrx", "block_size": 8}
