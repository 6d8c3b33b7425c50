"""The definition of README.md, written out literally."""

import numpy as np


def literal(cube, inner, outer, ridge=0.0):
    """Return the dual-window RX scores of a rows x cols x bands cube, one pixel after the other."""
    rows, cols, bands = cube.shape
    cube = cube.astype(np.float64)
    valid = np.isfinite(cube).all(axis=-1)
    scores = np.full((rows, cols), np.nan)
    for r, c in np.argwhere(valid):
        outside = np.zeros((rows, cols), bool)
        outside[max(0, r - outer // 2) : r + outer // 2 + 1, max(0, c - outer // 2) : c + outer // 2 + 1] = (
            True
        )
        outside[max(0, r - inner // 2) : r + inner // 2 + 1, max(0, c - inner // 2) : c + inner // 2 + 1] = (
            False
        )
        background = cube[outside & valid]
        if len(background) < 2:
            scores[r, c] = 0
            continue
        covariance = np.cov(background, rowvar=False).reshape(bands, bands)
        if ridge:
            inverse = np.linalg.inv(covariance + ridge * np.trace(covariance) / bands * np.eye(bands))
        else:
            inverse = np.linalg.pinv(covariance, rcond=1e-12, hermitian=True)
        difference = cube[r, c] - background.mean(axis=0)
        scores[r, c] = difference @ inverse @ difference
    return scores
