"""A training step of NL2Net against its definition transcribed word by word, in one run."""

from __future__ import annotations

import time

import numpy as np
import pytest
import torch
from nl2net_literal import Literal

from had_cli.training.reproducible import reproducible
from had_nl2net import DEFAULTS
from had_nl2net.learning import BETAS, adam, loss, rebuilt, untrained
from had_nl2net.precision import computes_bfloat16
from had_nl2net.scaling import Scaling
from had_nl2net.settings import Settings
from had_nl2net.views import view

ROUNDS = 15
BANDS = 189

pytestmark = pytest.mark.benchmark


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


@pytest.fixture
def one_thread():
    """Threads that wait for one another would measure what else the machine does."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_a_step_is_no_slower_than_the_definition_and_in_bfloat16_twice_as_fast():
    cube = np.random.default_rng(0).random((99, 99, BANDS), np.float32)
    scaling = Scaling(0.0, 1.0, cube.mean(axis=(0, 1)))
    settings = Settings(**{**DEFAULTS, "epochs": 1, "channels": 64})  # as published
    network = untrained(scaling, settings, 0)
    ours = adam(network, settings)
    image = view(cube, np.ones((99, 99), bool), scaling, 3, "cpu")

    literal = Literal(BANDS, 3)
    optimiser = torch.optim.Adam(literal.parameters(), lr=1e-4, betas=BETAS, weight_decay=1e-5)
    plain = image.shown.contiguous()

    def step_of_the_definition():
        optimiser.zero_grad()
        (literal(plain) - plain).abs().mean().backward()
        optimiser.step()

    def step_in(precision):
        with reproducible():
            ours.zero_grad()
            loss(rebuilt(network, image.shown, precision), image, "l1").backward()
            ours.step()

    contenders = {
        "definition": step_of_the_definition,
        "float32": lambda: step_in(torch.float32),
        "bfloat16": lambda: step_in(torch.bfloat16),
    }
    for contender in contenders.values():  # the first step of each prepares its kernels
        contender()
    # in turn, and the least of each: what other programs take is left out
    rounds = [{name: seconds(contender) for name, contender in contenders.items()} for _ in range(ROUNDS)]
    best = {name: min(one[name] for one in rounds) for name in contenders}
    gains = {name: best["definition"] / best[name] for name in ("float32", "bfloat16")}
    print(
        f"\nstep on 99 x 99 x {BANDS}, one thread: "
        + ", ".join(f"{name} {value * 1e3:.0f} ms" for name, value in best.items())
        + f"; float32 {gains['float32']:.2f}x, bfloat16 {gains['bfloat16']:.2f}x as fast"
    )
    assert gains["float32"] >= 1.0
    if computes_bfloat16("cpu"):
        assert gains["bfloat16"] >= 2.0
