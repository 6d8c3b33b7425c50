"""A narrow network on a small input: all parts of the published one."""

from __future__ import annotations

from had_cli.scenes.bands import BandGrid
from had_tdd.learning import initialise
from had_tdd.network import Tdd
from had_tdd.normalising import Normalisation
from had_tdd.weights import Model


def model(bands: int = 16, kind: str = "max", attention: str = "exact", tile: int | None = 24) -> Model:
    """Return an untrained model that tells pixels apart."""
    normalisation = Normalisation(kind, 6 if kind == "whiten" else 0)
    network = Tdd(normalisation.channels(bands), 0.0625, attention)
    initialise(network, 0)
    last = network.decoder[-1].conv2
    last.weight.data *= 30
    return Model(network.eval(), BandGrid(bands), normalisation, 32, tile)
