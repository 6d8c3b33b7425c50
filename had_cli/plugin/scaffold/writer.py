"""A writer: one more raster format, here raw float32 behind a line of text."""

DESCRIPTION = '''\
"""@NAME@, as a plugin of had. Nothing heavy is imported here: this is read on every `had plugins`."""

from had_cli.plugin import Writer, hookimpl

HAD_CONTRACT = (1, 0)  # the plugin contract that this is written for


@hookimpl
def had_writers() -> list[Writer]:
    """Offer the format ``@NAME@``."""
    return [
        Writer(
            name="@NAME@",
            summary="One layer of little-endian float32 behind a line with its size",
            create="@PACKAGE@.writer:create",
            suffixes=(".@PLAIN@",),
        )
    ]
'''

WRITER = '''\
"""The writer of .@PLAIN@ files: "COLS ROWS" and a newline, then rows of float32."""

import numpy as np
from had_cli.plugin import OutputError


def create(path, info, dtype):
    """Return the sink of a new raster at ``path``, a temporary name that the core renames."""
    if info.shape[2] != 1:
        raise OutputError(f"{path}: this format holds one layer, not {info.shape[2]}; choose .tif")
    return Sink(path, info.shape)


class Sink:
    """Takes windows row by row."""

    def __init__(self, path, shape):
        rows, cols, _ = shape
        header = f"{cols} {rows}\\n".encode()
        with open(path, "wb") as file:
            file.write(header)
            file.truncate(len(header) + 4 * rows * cols)
        self._rows = np.memmap(path, dtype="<f4", mode="r+", offset=len(header), shape=(rows, cols))

    def write(self, window, block):
        """Store height x width x 1 values."""
        self._rows[window.rows, window.cols] = block[..., 0]

    def close(self):
        """Finish the file."""
        self._rows.flush()
'''

TEST = '''\
"""Maps are written as they are, whole or not at all."""

import numpy as np
import pytest
from had_cli import detect
from had_cli.errors import OutputError, OutputExistsError
from had_cli.plugin.testing import example_scene


def test_a_map_reads_back_as_it_is(tmp_path):
    """NaN where the scene is invalid included."""
    found = detect(example_scene(), "grx")
    found.save(tmp_path / "map.@PLAIN@")
    header, _, content = (tmp_path / "map.@PLAIN@").read_bytes().partition(b"\\n")
    assert header == b"60 40"
    np.testing.assert_array_equal(np.frombuffer(content, "<f4").reshape(40, 60), found.scores)
    with pytest.raises(OutputExistsError):
        found.save(tmp_path / "map.@PLAIN@")


def test_a_cube_is_refused_and_leaves_nothing(tmp_path):
    """One layer is all this format has."""
    from had_cli import convert

    np.save(tmp_path / "cube.npy", np.zeros((4, 5, 3), np.float32))
    with pytest.raises(OutputError, match="one layer"):
        convert(tmp_path / "cube.npy", tmp_path / "cube.@PLAIN@")
    assert [file.name for file in tmp_path.iterdir()] == ["cube.npy"]
'''

FILES = {"__init__.py": DESCRIPTION, "writer.py": WRITER, "test": TEST}
