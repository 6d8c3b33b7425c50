"""The terms of the loss on features whose answers are known."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - its usual name
from hypothesis import given, settings
from hypothesis import strategies as st

from had_fers.losses import complementarity, cross_covariance, losses, structural_similarity, variance

SEEDS = st.integers(0, 2**16)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@given(SEEDS)
@settings(max_examples=20, deadline=None)
def test_a_feature_correlates_with_itself_alone(seed):
    feature = random(2, 3, 8, 9, seed=seed)
    found = cross_covariance(feature, feature)
    count = feature[:, 0].numel()
    torch.testing.assert_close(found.diagonal(), torch.full((3,), (count - 1) / count), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(found, found.T)


@given(SEEDS, st.floats(0.5, 5), st.floats(-3, 3))
@settings(max_examples=20, deadline=None)
def test_scale_and_offset_of_a_channel_do_not_change_its_covariance(seed, scale, offset):
    first, second = random(2, 3, 8, 9, seed=seed), random(2, 3, 8, 9, seed=seed + 1)
    torch.testing.assert_close(
        cross_covariance(first, second * scale + offset),
        cross_covariance(first, second),
        rtol=1e-3,
        atol=1e-4,
    )


def test_a_channel_that_is_constant_correlates_with_nothing():
    first, second = random(1, 2, 6, 6), random(1, 2, 6, 6, seed=1)
    second[:, 0] = 4
    found = cross_covariance(first, second)
    assert torch.isfinite(found).all()
    assert found[:, 0].abs().max() < 1e-3


def test_the_variance_asked_for_is_one():
    wide = torch.tensor([-10.0, 10.0]).repeat(2, 3, 4, 2)
    assert variance(wide) == pytest.approx(10)  # the mean magnitude is all that is left
    assert variance(torch.zeros(2, 3, 4, 4)) == pytest.approx(1)


def test_similar_images_have_a_similarity_of_one():
    x = random(2, 3, 20, 17)
    torch.testing.assert_close(structural_similarity(x, x), torch.ones_like(x))
    assert structural_similarity(x, 1 - x).mean() < 0


def test_similarity_is_that_of_a_window_by_hand():
    x, y = random(1, 1, 12, 12).double(), random(1, 1, 12, 12, seed=1).double()
    step = np.arange(-2, 3)
    line = np.exp(-(step**2) / (2 * 1.5**2))
    window = torch.from_numpy(np.outer(line, line) / line.sum() ** 2)[None, None]

    def blur(image):
        return F.conv2d(F.pad(image, (2, 2, 2, 2), mode="reflect"), window)

    mx, my = blur(x), blur(y)
    vx, vy, cov = blur(x * x) - mx**2, blur(y * y) - my**2, blur(x * y) - mx * my
    expected = (2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
    torch.testing.assert_close(structural_similarity(x, y), expected)


def test_the_loss_is_the_weighted_sum_and_reaches_every_term():
    x, spectral, restored = (random(2, 4, 16, 16, seed=i) for i in range(3))
    spatial = random(2, 4, 16, 16, seed=9).requires_grad_()
    found = losses(x, spectral, spatial, restored)
    weights = (1, 0.1, 0.1, 1, 0.01)
    assert found.total.item() == pytest.approx(sum(w * t.item() for w, t in zip(weights, found, strict=True)))
    found.total.backward()
    assert spatial.grad.abs().sum() > 0


def test_complementary_features_have_neither_cosine_nor_covariance():
    rows, cols = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    first = torch.stack([torch.sin(rows), torch.zeros_like(rows)])[None]
    second = torch.stack([torch.zeros_like(rows), torch.cos(cols)])[None]
    apart, same = complementarity(first, second), complementarity(first, first)
    assert apart["mean_abs_cosine"] == pytest.approx(0, abs=1e-6)
    assert apart["cross_covariance"] < 0.05 < 0.9 < same["cross_covariance"]
    assert same["mean_abs_cosine"] > 0.8
