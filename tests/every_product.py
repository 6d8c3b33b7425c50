"""What holds for every product: the cube, its windows, and detection in memory and streamed."""

import numpy as np

from had_cli import detect, open_scene
from had_cli.scenes.open import open_scores
from had_cli.scenes.source import Window


def close(one, other, scale=1e-6):
    return np.allclose(one, other, rtol=scale, atol=scale, equal_nan=True)


def check_cube(made, path=None):
    """Check values of the whole cube, of windows, and of some bands; masks are left out."""
    rows, cols, bands = made.cube.shape
    with open_scene(path or made.path, bands="1-", quality="none") as scene:
        assert scene.shape == made.cube.shape
        assert np.allclose(scene.wavelengths, made.wavelengths, rtol=1e-6)
        assert close(scene.read(), made.cube)
        for window in (Window(3, 5, 9, 7), Window(cols - 4, rows - 3, 4, 3), Window(0, 0, cols, 1)):
            assert close(scene.read(window), made.cube[window.rows, window.cols])
        part = scene.select(window=Window(2, 4, 11, 13), bands=[0, bands // 2, bands - 1])
        assert close(part.read(), made.cube[4:17, 2:13, [0, bands // 2, bands - 1]])


def check_detection(path, masked, bands, had):
    """Check grx and slrx end to end: what is left out, and that streaming gives the same."""
    for method in ("grx", "slrx"):
        with open_scene(path) as scene:
            assert scene.shape[2] == bands
            memory = detect(scene, method, engine="memory")
            streamed = detect(scene, method, engine="stream", memory="1MB")
            assert np.array_equal(np.isnan(memory.scores), masked)
            assert np.allclose(streamed.scores, memory.scores, rtol=1e-5, equal_nan=True)
            assert np.unravel_index(np.nanargmax(memory.scores), memory.scores.shape) == (17, 12)
        done = had("detect", "-m", method, path, "-o", f"{method}.tif")
        assert done.status == 0, done.err
    with open_scene(path) as scene:
        if scene.ortho is None:
            written, _ = read_map("grx.tif")
            assert np.allclose(written, detect(scene, "grx").scores, rtol=1e-6, equal_nan=True)


def refusal(had, path):
    """Return the one line with which a damaged file is refused."""
    done = had("detect", "-m", "grx", path, "-o", "never.tif")
    assert done.status == 1
    assert "Traceback" not in done.err
    return done.line


def read_map(path):
    """Return a map's values and tags, as had reads them."""
    values, info = open_scores(path)
    return values, info.tags
