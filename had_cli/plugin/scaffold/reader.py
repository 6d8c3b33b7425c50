"""A reader: one more scene format, here a small binary one with a text header."""

DESCRIPTION = '''\
"""@NAME@, as a plugin of had. Nothing heavy is imported here: this is read on every `had plugins`."""

from had_cli.plugin import Reader, hookimpl

HAD_CONTRACT = (1, 0)  # the plugin contract that this is written for


@hookimpl
def had_readers() -> list[Reader]:
    """Offer the format ``@NAME@``."""
    return [
        Reader(
            name="@NAME@",
            summary="Cubes as JSON, for very small scenes",
            open="@PACKAGE@.reader:open_cube",
            suffixes=(".@PLAIN@",),
        )
    ]
'''

READER = '''\
"""The reader of .@PLAIN@ files: {"wavelengths_nm": [...], "values": rows x cols x bands, "nodata": -1}."""

import json
from pathlib import Path

import numpy as np
from had_cli.plugin import ArraySource, SceneError, SceneInfo


def open_cube(path, options):
    """Return the source of a file: its metadata, and pixels as they are stored."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        cube = np.array(document["values"], dtype=np.float32)
        wavelengths = np.array(document["wavelengths_nm"], dtype=np.float64)
        nodata = document.get("nodata")
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise SceneError(f"{path}: not a cube in JSON ({error}); write it again") from error
    if cube.ndim != 3:
        raise SceneError(f"{path}: its values have {cube.ndim} axes; give rows x cols x bands")
    info = SceneInfo(
        path=str(path),
        format="@NAME@",
        shape=cube.shape,
        dtype=cube.dtype,
        wavelengths=wavelengths,
        nodata=nodata,
    )
    return ArraySource(info, cube)  # a large file reads windows instead: see Source in the guide
'''

TEST = '''\
"""Scenes come in with their values and wavelengths, and damaged ones are refused in one line."""

import json

import numpy as np
import pytest
from had_cli import Window, detect, open_scene
from had_cli.errors import SceneError

VALUES = np.random.default_rng(0).random((6, 7, 4)).round(3)


def written(folder, **fields):
    """Write a file and return its path."""
    path = folder / "scene.@PLAIN@"
    document = {"wavelengths_nm": [500, 600, 700, 800], "values": VALUES.tolist(), **fields}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_values_and_wavelengths_are_those_of_the_file(tmp_path):
    """Whole, and a window of it."""
    with open_scene(written(tmp_path)) as scene:
        np.testing.assert_allclose(scene.read(), VALUES, rtol=1e-6)
        np.testing.assert_allclose(scene.read(Window(2, 1, 3, 4)), VALUES[1:5, 2:5], rtol=1e-6)
        assert scene.wavelengths.tolist() == [500, 600, 700, 800]


def test_nodata_has_no_score(tmp_path):
    """It takes part in no statistic."""
    values = VALUES.copy()
    values[0, 0] = -1
    scores = detect(written(tmp_path, values=values.tolist(), nodata=-1), "grx").scores
    assert np.isnan(scores[0, 0])
    assert np.isfinite(scores.ravel()[1:]).all()


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"values": [1], "wavelengths_nm": [1]}'])
def test_a_damaged_file_is_refused_in_one_line(tmp_path, text):
    """With its name, and what to do."""
    path = tmp_path / "torn.@PLAIN@"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SceneError, match="torn") as raised:
        open_scene(path)
    assert len(str(raised.value).splitlines()) == 1
'''

FILES = {"__init__.py": DESCRIPTION, "reader.py": READER, "test": TEST}
