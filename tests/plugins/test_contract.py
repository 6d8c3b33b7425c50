"""Every built-in method keeps the contract that third parties are held to."""

from typing import ClassVar

from had_cli.plugin.testing import MethodContract


class TestGrx(MethodContract):
    method = "grx"


class TestGrxWithShrinkage(MethodContract):
    method = "grx"
    params: ClassVar = {"shrinkage": "ledoit-wolf"}


class TestGrxInComponents(MethodContract):
    method = "grx"
    params: ClassVar = {"components": 5}


class TestSlrx(MethodContract):
    method = "slrx"


class TestSlrxWithBlocksThatDoNotDivideTheScene(MethodContract):
    method = "slrx"
    params: ClassVar = {"block_size": 7}


class TestSsf(MethodContract):
    method = "ssf"
