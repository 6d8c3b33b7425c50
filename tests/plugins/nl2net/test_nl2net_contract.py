"""NL2Net keeps the contract of all methods, trained on the scene or whole, and in tiles."""

from typing import ClassVar

from had_cli.plugin.testing import MethodContract


class TestNl2netOnTheSceneItself(MethodContract):
    method = "nl2net"
    params: ClassVar = {"epochs": 2, "channels": 4, "blocks": 2, "factor": 2, "precision": "float32"}
    least_auc = None  # two steps teach nothing; see test_nl2net_detecting
    # another order of the same sums moves the extremes' last digit, and two steps carry it on
    rtol = 1e-3
    atol = 1e-4


class TestNl2netInTiles(TestNl2netOnTheSceneItself):
    # a scene of 40 x 60 pixels is more than one crop, and rebuilt in tiles
    params: ClassVar = {**TestNl2netOnTheSceneItself.params, "tile_size": 48, "blocks": 1}
