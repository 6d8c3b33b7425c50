"""The network as it scores: without what a score does not need, and without copies of all weights."""

import pytest
import torch

from had_tdd.convolution import FrugalConv2d
from had_tdd.learning import initialise
from had_tdd.network import Tdd


def drawn(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("prior", [False, True])
def test_the_score_is_the_last_of_the_outputs(prior):
    network = Tdd(7, width=0.05, prior=prior).eval()
    initialise(network, 0)
    x = drawn(2, 7, 24, 40)
    with torch.inference_mode():
        outputs, scores = network(x), network.score(x)
    assert len(outputs) == 6
    assert torch.equal(scores, outputs[-1][:, 0].sigmoid())


@pytest.mark.parametrize("most", [200, 1000, 10**7])
def test_a_convolution_some_outputs_at_a_time_gives_what_torch_gives(most, monkeypatch):
    monkeypatch.setattr("had_tdd.convolution.MOST", most)
    frugal = FrugalConv2d(5, 12, 3, padding=2, dilation=2)
    plain = torch.nn.Conv2d(5, 12, 3, padding=2, dilation=2)
    plain.load_state_dict(frugal.state_dict())
    x = drawn(2, 5, 9, 11)
    with torch.inference_mode():
        torch.testing.assert_close(frugal(x), plain(x))


def test_no_call_takes_more_weights_than_it_may(monkeypatch):
    taken = []
    monkeypatch.setattr("had_tdd.convolution.MOST", 1000)
    frugal = FrugalConv2d(5, 12, 3)
    whole = frugal._conv_forward

    def seen(x, weight, bias):
        taken.append(weight.nbytes)
        return whole(x, weight, bias)

    monkeypatch.setattr(frugal, "_conv_forward", seen)
    with torch.inference_mode():
        frugal(drawn(1, 5, 6, 6))
    assert len(taken) == 4
    assert max(taken) <= 1000
    taken.clear()
    frugal(drawn(1, 5, 6, 6))  # what is learned is computed in one
    assert len(taken) == 1
