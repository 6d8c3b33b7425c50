"""Small generated scenes with known anomalies."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from had_cli.scenes.scene import Scene

Cube = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


def example_cube(rows: int = 40, cols: int = 60, bands: int = 16, *, seed: int = 0) -> tuple[Cube, Mask]:
    """Return a rows x cols x bands float32 cube of reflectances and the rows x cols truth.

    The background mixes three smooth spectra, with noise in every band, so its covariance has full
    rank; six single pixels (fewer in tiny scenes) carry a spectrum of their own. The same arguments
    give the same cube.
    """
    random = np.random.default_rng(seed)
    position = np.linspace(0, 1, bands)
    centres, widths = np.array([[0.2], [0.5], [0.9]]), np.array([[0.3], [0.2], [0.4]])
    spectra = 0.1 + 0.4 * np.exp(-(((position - centres) / widths) ** 2))
    y, x = np.mgrid[:rows, :cols]
    waves = np.stack([np.sin(x / 7), np.cos(y / 5), np.sin((x + y) / 11)], axis=-1)
    abundances = 1 + 0.5 * waves + 0.1 * random.normal(size=(rows, cols, 3))
    cube = abundances @ spectra / 3 + 0.01 * random.normal(size=(rows, cols, bands))
    truth = np.zeros((rows, cols), dtype=bool)
    truth.reshape(-1)[random.choice(rows * cols, size=min(6, rows * cols // 20), replace=False)] = True
    cube[truth] += 0.15 * np.sin(9 * position)
    return cube.astype(np.float32), truth


def example_scene(
    rows: int = 40, cols: int = 60, bands: int = 16, *, seed: int = 0, holes: bool = True
) -> Scene:
    """Return the scene of :func:`example_cube`, with truth.

    With ``holes`` a corner holds nodata in every band, one pixel is NaN in one band alone, and one
    is infinite in one: none of them is valid.
    """
    cube, truth = example_cube(rows, cols, bands, seed=seed)
    if holes:
        cube[: rows // 6, : cols // 5] = -9999
        cube[rows // 2, cols // 2, bands // 2] = np.nan
        cube[rows - 1, cols // 3, 0] = np.inf
    return Scene.from_array(cube, name="example", nodata=-9999.0, truth=lambda: truth)
