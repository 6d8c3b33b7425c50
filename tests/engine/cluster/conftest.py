"""Two worker processes that the tests of a module share."""

import numpy as np
import pytest

from had_cli.engine.cluster.connecting import connected

ROWS, COLS, BANDS, NODATA = 93, 71, 30, -9999


def made():
    """Return correlated bands with a wedge, rows, a band-wise hole and a lone pixel of nodata."""
    rng = np.random.default_rng(11)
    cube = 3000 + np.cumsum(rng.normal(0, 200, (ROWS, COLS, BANDS)), axis=2)
    cube[30, 40] += 1500
    cube = np.round(cube).astype("i2")
    rows, cols = np.mgrid[:ROWS, :COLS]
    cube[rows + cols < 25] = NODATA
    cube[60:75] = NODATA  # whole pieces without a valid pixel
    cube[50:54, 20:29, 3] = NODATA
    cube[10, 45] = NODATA
    return cube


@pytest.fixture(scope="session")
def cube():
    return made()


@pytest.fixture(scope="module")
def cluster():
    """Return a cluster of two worker processes on this machine."""
    with connected(workers=2) as found:
        yield found
