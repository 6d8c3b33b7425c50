"""The network: what it computes, and what it must not see."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from nl2net_literal import Attending, Literal

from had_nl2net import attention
from had_nl2net.attention import STEP, Attention, from_sub_images, sub_images
from had_nl2net.mosaic import from_mosaic, reflected, to_mosaic
from had_nl2net.network import NL2Net, RingConv
from had_nl2net.released import public_name


@pytest.mark.parametrize(("factor", "rows", "cols"), [(1, 7, 9), (2, 14, 16), (3, 27, 24), (5, 10, 35)])
def test_the_network_is_its_definition_word_by_word(factor, rows, cols):
    torch.manual_seed(0)
    literal = Literal(5, factor, channels=8)
    network = NL2Net(5, factor, channels=8)
    network.load_state_dict(
        {public_name(name): t for name, t in literal.state_dict().items() if not name.endswith("mask")}
    )
    cube = torch.rand(1, 5, rows, cols)
    with torch.no_grad():
        torch.testing.assert_close(network(cube), literal(cube), rtol=1e-5, atol=1e-6)


def test_fused_attention_is_that_with_the_whole_matrix_of_scores():
    torch.manual_seed(1)
    module, literal = Attention(16), Attending(16)
    literal.wqk.data = module.wqk.data
    x = torch.randn(1, 16, 29, 40)  # no multiples of 6: some keys are padding
    torch.testing.assert_close(module(x), literal.attention(x), rtol=1e-5, atol=1e-6)


def test_scores_in_bfloat16_are_those_of_the_fused_kernel_to_its_precision(monkeypatch):
    torch.manual_seed(2)
    module, x = Attention(16), torch.randn(1, 16, 30, 42).bfloat16()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        explicit = module(x)
        monkeypatch.setattr(attention, "FEW", 0)
        fused = module(x)
    torch.testing.assert_close(explicit, fused, rtol=2e-2, atol=2e-2)


def test_the_mosaic_holds_component_i_j_in_cell_i_j():
    image = torch.arange(2 * 6 * 8.0).reshape(1, 2, 6, 8)
    mosaic = to_mosaic(image, 2)
    for i in range(2):
        for j in range(2):
            cell = mosaic[:, :, 3 * i : 3 * i + 3, 4 * j : 4 * j + 4]
            torch.testing.assert_close(cell, image[:, :, i::2, j::2])
    torch.testing.assert_close(from_mosaic(mosaic, 2), image)


def test_sub_images_are_put_back_in_place():
    pixels = torch.randn(2, 13, 20, 3)
    torch.testing.assert_close(from_sub_images(sub_images(pixels), 13, 20), pixels)
    tokens = sub_images(pixels)[STEP + 2, 0]  # the sub-image of rows 1, 7, 13 and columns 2, 8, ...
    torch.testing.assert_close(tokens[0], pixels[0, 1, 2])
    torch.testing.assert_close(tokens[1], pixels[0, 1, 8])


@pytest.mark.parametrize(("size", "factor", "length"), [(1, 3, 3), (2, 7, 7), (97, 3, 99), (96, 3, 96)])
def test_any_size_is_lengthened_to_a_multiple_of_the_factor(size, factor, length):
    indices = reflected(size, factor)
    assert len(indices) == length
    np.testing.assert_array_equal(indices[:size], np.arange(size))
    assert indices.max() < size


def test_inner_weights_of_the_ring_do_nothing():
    ring = RingConv(4)
    x = torch.randn(1, 4, 9, 9)
    before = ring(x)
    ring.weight.data[:, :, 1:4, 1:4] += 1
    torch.testing.assert_close(ring(x), before, rtol=0, atol=0)


PLACES = [(0, 0), (4, 13), (17, 11), (26, 23)]


def own_gradient(network, branch, place):
    """The largest derivative of a rebuilt pixel by itself through one branch, and by all pixels."""
    torch.manual_seed(3)
    cube = torch.rand(1, network.bands, 30, 24, requires_grad=True)
    features = network.head(to_mosaic(cube, network.factor))
    other = features.detach()
    first = network.local_branch(features if branch == "local" else other)
    second = network.nonlocal_branch(features if branch == "nonlocal" else other)
    background = from_mosaic(network.tail(torch.cat([first, second], dim=1)), network.factor)
    background[0, :, place[0], place[1]].sum().backward()
    return cube.grad[0, :, place[0], place[1]].abs().max().item(), cube.grad.abs().max().item()


@pytest.mark.parametrize("factor", [1, 2, 3])
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_pixel_does_not_see_itself_through_the_local_branch(factor, place):
    torch.manual_seed(4)
    own, rest = own_gradient(NL2Net(4, factor, channels=8), "local", place)
    assert own == 0.0
    assert rest > 0


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_only_the_statistics_of_the_layer_norm_leak_through_the_other(place, monkeypatch):
    torch.manual_seed(5)
    network = NL2Net(4, 3, channels=8)
    own, rest = own_gradient(network, "nonlocal", place)
    assert own < 1e-3 * rest

    def without_statistics(x, shape):
        variance, mean = torch.var_mean(x.detach(), dim=(1, 2, 3), correction=0, keepdim=True)
        return (x - mean) * (variance + 1e-5).rsqrt()

    monkeypatch.setattr(attention.functional, "layer_norm", without_statistics)
    own, rest = own_gradient(network, "nonlocal", place)
    assert own == 0.0
    assert rest > 0
