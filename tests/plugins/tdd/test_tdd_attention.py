"""The local attention in both forms, against its definition with all taps in one tensor."""

import pytest
import torch
from torch.nn import functional

from had_tdd.attention import attended

TAPS = 49


def products(weights, features):
    """P[c, j, p]: n x channels x taps x pixels."""
    n, channels = features.shape[:2]
    unfolded = functional.unfold(features, 7, dilation=2, padding=6).reshape(n, channels, TAPS, -1)
    return weights.reshape(n, 1, TAPS, -1) * unfolded


def definition(weights, features, form):
    p = products(weights, features)
    if form == "exact":
        return p.sum(dim=2).reshape(features.shape)
    return p.reshape(*p.shape[:2], -1, TAPS).sum(dim=3).reshape(features.shape)


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("form", ["exact", "released"])
@pytest.mark.parametrize("size", [(14, 14), (9, 10), (5, 31), (1, 1)], ids=str)
def test_taken_tap_by_tap_it_is_the_sum_over_the_unfolded_image(form, size):
    weights, features = drawn(2, TAPS, *size).softmax(dim=1), drawn(2, 3, *size)
    torch.testing.assert_close(attended(weights, features, form), definition(weights, features, form))


@pytest.mark.parametrize("form", ["exact", "released"])
def test_its_gradients_are_those_of_the_definition(form):
    inputs = [drawn(1, TAPS, 6, 11).softmax(dim=1).requires_grad_(), drawn(1, 2, 6, 11).requires_grad_()]
    along = drawn(1, 2, 6, 11)
    found = torch.autograd.grad(attended(*inputs, form), inputs, along)
    expected = torch.autograd.grad(definition(*inputs, form), inputs, along)
    torch.testing.assert_close(found, expected)


def test_equal_weights_give_the_mean_of_the_taps_in_the_exact_form_only():
    weights, features = torch.full((1, TAPS, 40, 40), 1 / TAPS), torch.ones(1, 1, 40, 40)
    inside = (..., slice(6, -6), slice(6, -6))
    torch.testing.assert_close(attended(weights, features, "exact")[inside], features[inside])
    assert (attended(weights, features, "released") - 1).abs().max() > 0.1


@pytest.mark.parametrize("form", ["exact", "released"])
def test_many_channels_taken_some_at_a_time_give_what_each_gives_alone(form, monkeypatch):
    weights, features = drawn(2, TAPS, 9, 8).softmax(dim=1), drawn(2, 5, 9, 8)
    alone = [attended(weights, features[:, [channel]], form) for channel in range(5)]
    for values in (1, 2 * 9 * 8 * 2, 2**17):  # one, two and all channels at a time
        monkeypatch.setattr("had_tdd.attention.CACHED", values)
        assert torch.equal(attended(weights, features, form), torch.cat(alone, dim=1))
