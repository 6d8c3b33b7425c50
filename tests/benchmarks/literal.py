"""Definitions transcribed word by word: slow, and right by inspection."""

from __future__ import annotations

import numpy as np


def slrx(cube: np.ndarray, size: int) -> np.ndarray:
    """SLRX pixel by pixel: three sets per block, their mean, covariance and inverse; then each pixel."""
    x = (cube.astype(np.float64) - cube.min()) / (float(cube.max()) - float(cube.min()))
    rows, cols, bands = x.shape
    maps = np.zeros((3, rows, cols))
    everything = x.reshape(-1, bands)
    for row in range(0, rows, size):
        for col in range(0, cols, size):
            block = x[row : row + size, col : col + size].reshape(-1, bands)
            around = [
                x[r : r + size, c : c + size].reshape(-1, bands)
                for r in range(row - size, row + size + 1, size)
                for c in range(col - size, col + size + 1, size)
                if 0 <= r < rows and 0 <= c < cols and (r, c) != (row, col)
            ]
            for layer, background in enumerate((block, np.concatenate(around), everything)):
                mean = background.mean(axis=0)
                covariance = np.cov(background, rowvar=False)
                inverse = np.linalg.inv(covariance + 1e-6 * np.eye(bands))
                for r in range(row, min(row + size, rows)):
                    for c in range(col, min(col + size, cols)):
                        difference = x[r, c] - mean
                        maps[layer, r, c] = np.sqrt(difference @ inverse @ difference)
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    return np.prod((maps - low) / (high - low), axis=0)
