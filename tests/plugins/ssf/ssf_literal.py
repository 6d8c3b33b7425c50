"""SSF by its definition, one pixel after the other where validity matters; slow and short."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

EIGHT = np.ones((3, 3))


def components(cube, valid):
    x = (cube - cube[valid].min()) / (cube[valid].max() - cube[valid].min())
    x = x.astype(np.float64)
    x[~valid] = np.nan
    known = x[valid]
    _, vectors = np.linalg.eigh(np.cov(known, rowvar=False).reshape(x.shape[-1], -1))
    return (x - known.mean(axis=0)) @ vectors[:, ::-1][:, :20]


def top_hats(x, valid):
    total = np.zeros(valid.shape)
    for component in np.moveaxis(x, -1, 0)[:10]:
        for p in (component, -component):
            high, low = (np.where(valid, p, value) for value in (np.inf, -np.inf))
            m = ndimage.minimum_filter(high, 5, mode="constant", cval=np.inf)
            for _ in range(24):
                m = np.minimum(ndimage.maximum_filter(m, 3, mode="constant", cval=-np.inf), low)
            d = np.where(valid, p - np.where(valid, m, 0), 0)
            if d[valid].std() > 0:
                total += d / np.sqrt(d[valid].std())
    return total


def random_features(x, valid, seed):
    count = x.shape[-1]
    x = x / np.sqrt(x[valid].var(axis=0).mean())
    rows, cols = (np.pad(np.arange(size), 1, mode="reflect") for size in valid.shape)
    padded, known = x[rows][:, cols], valid[rows][:, cols]
    height, width = valid.shape
    parts, taps = [], []
    for i in range(3):
        for j in range(3):
            there = slice(i, i + height), slice(j, j + width)
            parts.append(np.where(known[there][..., None], padded[there], x))
            taps.append(0.5 ** (abs(i - 1) + abs(j - 1)))
    taps = np.array(taps) * 3 / np.linalg.norm(taps)
    near = np.concatenate(parts, axis=-1)[valid]
    logs = 0
    for draw in range(3):
        random = np.random.default_rng(seed + draw)
        weights = random.standard_normal((9 * count, 128)) * np.sqrt(2 / 9 / count)
        f = np.tanh(near @ (weights * np.repeat(taps, count)[:, None]) + 0.3 * random.standard_normal(128))
        f -= f.mean(axis=0)
        covariance = f.T @ f / (len(f) - 1)
        covariance += 1e-3 * np.trace(covariance) / 128 * np.eye(128)
        logs = logs + np.log(np.sum(f * np.linalg.solve(covariance, f.T).T, axis=1) + 1e-12) / 3
    result = np.full(valid.shape, np.nan)
    result[valid] = logs
    return result


def near(x, valid):
    deviation = x[valid].std(axis=0)
    x = x[..., deviation > 0] / np.sqrt(deviation[deviation > 0])
    rows, cols = (np.pad(np.arange(size), 11, mode="reflect") for size in valid.shape)
    padded, known = x[rows][:, cols], valid[rows][:, cols]
    i, j = np.mgrid[-11:12, -11:12]
    ring = np.maximum(abs(i), abs(j)) > 5
    result = np.full(valid.shape, np.nan)
    for row, col in np.argwhere(valid):
        there = slice(row, row + 23), slice(col, col + 23)
        others = padded[there][ring & known[there]]
        least = np.sort(np.linalg.norm(others - x[row, col], axis=1))[:20]
        result[row, col] = least.mean() if len(least) else 0
    return result


def log_ranks(values, valid):
    from scipy.stats import rankdata

    result = np.full(valid.shape, np.nan)
    ranks = rankdata(values[valid])
    result[valid] = -np.log(1 - ranks / len(ranks) + 1 / len(ranks))
    return result


def opening(fused, valid):
    levels = np.unique(np.quantile(fused[valid], np.linspace(0.3, 1, 64)))
    result = np.full(valid.shape, levels[0])
    for level in levels:
        labels, _ = ndimage.label(np.where(valid, fused, -np.inf) >= level, EIGHT)
        large = np.bincount(labels.ravel()) >= 300
        large[0] = False
        result[large[labels]] = level
    return np.minimum(result, fused)


def ssf(cube, valid, seed=0):
    """Return score and the three maps, NaN where invalid."""
    x = components(cube, valid)
    maps = top_hats(x, valid), random_features(x, valid, seed), near(x, valid)
    fused = sum(log_ranks(part, valid) for part in maps)
    return np.where(valid, fused - 0.7 * opening(fused, valid), np.nan), maps
