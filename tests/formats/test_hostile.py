"""Whatever lies in a file: one line that names it, never a library's exception."""

from __future__ import annotations

import json

import generate
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from had_cli.errors import HadError, SceneError, SceneNotFoundError
from had_cli.scenes.open import open_scene

SUFFIXES = [".mat", ".hdr", ".tif", ".npy", ".npz", ".vrt", ".zip", ".img", ".unknown", ""]
SMALL = generate.make_cube(rows=5, cols=6, bands=4)


def refusal(path, **options):
    """Return the one line with which a scene is refused."""
    with pytest.raises(SceneError) as caught:
        open_scene(path, **options).read()
    message = str(caught.value)
    assert path.name.split(".")[0] in message
    assert "\n" not in message
    assert len(message) < 600
    return message


@pytest.mark.parametrize("suffix", SUFFIXES)
class TestAnySuffix:
    def test_missing(self, suffix, tmp_path):
        with pytest.raises(SceneNotFoundError, match="there is no such file"):
            open_scene(tmp_path / f"scene{suffix}")

    def test_empty(self, suffix, tmp_path):
        path = tmp_path / f"scene{suffix}"
        path.touch()
        assert "is empty" in refusal(path)

    def test_folder(self, suffix, tmp_path):
        path = tmp_path / f"scene{suffix}"
        path.mkdir()
        assert "is a folder" in refusal(path)

    def test_text(self, suffix, tmp_path):
        path = tmp_path / f"scene{suffix}"
        path.write_text("This is not a scene.\nIt has two lines.\n" * 20)
        refusal(path)

    def test_noise(self, suffix, tmp_path):
        path = tmp_path / f"scene{suffix}"
        path.write_bytes(np.random.default_rng(3).bytes(5000))
        refusal(path)


FORMATS = generate.every_format()


def damaged(path):
    """Return the file that holds the pixels."""
    return path.with_suffix(".img") if path.suffix == ".hdr" else path


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_truncated(name, part, tmp_path):
    path = FORMATS[name](tmp_path, generate.make_cube(rows=40, cols=30))
    file = damaged(path)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * part)])
    refusal(path)


@pytest.mark.parametrize("name", ["mat-v5", "mat-v73-chunked", "npy-c", "npz", "geotiff-band-tiled"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=4)
)
def test_flipped_bytes_give_a_scene_or_one_line(name, flips, tmp_path):
    for leftover in tmp_path.iterdir():
        leftover.unlink()
    path = FORMATS[name](tmp_path, SMALL)
    raw = bytearray(path.read_bytes())
    for place, value in flips:
        raw[int(place * min(len(raw), 700))] = value  # where the headers are
    path.write_bytes(raw)
    refusal = ""
    try:
        with open_scene(path) as scene:
            scene.read()
    except HadError as error:
        refusal = str(error)
    assert "\n" not in refusal


class TestWrongArrays:
    def write(self, folder, kind, array):
        path = folder / f"scene.{kind.split('-')[0]}"
        match kind:
            case "npy":
                np.save(path, array)
            case "npz":
                np.savez(path, data=array)
            case "mat-v5":
                scipy.io.savemat(path, {"data": array})
            case _:
                generate.write_mat73(path, array)
        return path

    KINDS = ("npy", "npz", "mat-v5", "mat-v73")

    @pytest.mark.parametrize("kind", KINDS)
    def test_two_axes(self, kind, tmp_path):
        message = refusal(self.write(tmp_path, kind, np.ones((5, 6))))
        assert "three" in message

    @pytest.mark.parametrize("kind", KINDS)
    def test_four_axes(self, kind, tmp_path):
        assert "three" in refusal(self.write(tmp_path, kind, np.ones((5, 6, 2, 2))))

    @pytest.mark.parametrize("kind", KINDS)
    def test_complex(self, kind, tmp_path):
        array = SMALL.astype(np.complex128)
        if kind == "mat-v73":
            array = np.zeros(SMALL.shape, [("real", "f8"), ("imag", "f8")])
        assert "complex128 values are not supported" in refusal(self.write(tmp_path, kind, array))

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_pixels(self, kind, tmp_path):
        refusal(self.write(tmp_path, kind, np.zeros((5, 0, 4))))

    @pytest.mark.parametrize("kind", ["npy", "npz"])
    def test_objects_are_never_unpickled(self, kind, tmp_path):
        array = np.empty((2, 2, 2), object)
        array[:] = [[[_Bomb(), 1], [2, 3]], [[4, 5], [6, 7]]]
        assert "holds Python objects, which are never loaded" in refusal(self.write(tmp_path, kind, array))

    @pytest.mark.parametrize("dtype", ["U3", "M8[D]", [("a", "i4"), ("b", "f4")]])
    def test_other_types(self, dtype, tmp_path):
        refusal(self.write(tmp_path, "npy", np.zeros((2, 2, 2), dtype)))

    def test_no_array_at_all(self, tmp_path):
        scipy.io.savemat(tmp_path / "scene.mat", {"note": "hello"})
        assert "only: note" in refusal(tmp_path / "scene.mat")
        np.savez(tmp_path / "scene.npz")
        assert "only: nothing" in refusal(tmp_path / "scene.npz")

    def test_cells_and_structures(self, tmp_path):
        cells = np.empty((2, 3, 2), object)
        cells[:] = 1.0
        scipy.io.savemat(tmp_path / "scene.mat", {"cells": cells, "s": {"a": 1}})
        refusal(tmp_path / "scene.mat")


class _Bomb:
    def __reduce__(self):
        return (pytest.fail, ("an array of a scene file was unpickled",))


class TestSidecar:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("not json", "is not JSON"),
            ("[1]", "is not a JSON object"),
            ('{"wavelengths": "red"}', "'wavelengths' is not valid"),
            ('{"wavelengths": [1, 2]}', "2 values of wavelengths for 4 bands"),
            ('{"transform": [1, 2]}', "'transform' is not valid"),
            ('{"bad_bands": [0, 1, 2, 3]}', "'bad_bands' is not valid"),
            ('{"shape": [5, 6, 9]}', "describes an array of (5, 6, 9)"),
            ('{"tags": {"a": 1}}', "'tags' is not valid"),
        ],
    )
    def test_what_it_cannot_say(self, text, message, tmp_path):
        path = generate.write_npy(tmp_path / "scene.npy", SMALL)
        (tmp_path / "scene.npy.json").write_text(text)
        assert message in refusal(path)

    @pytest.mark.parametrize("nodata", [2**70, -(2**70), [2**70, None, 5, -1]])
    def test_nodata_beyond_all_integers_of_files_marks_nothing(self, nodata, tmp_path):
        path = generate.write_npy(tmp_path / "scene.npy", SMALL)
        (tmp_path / "scene.npy.json").write_text(json.dumps({"nodata": nodata}))
        assert np.isfinite(open_scene(path).read()[..., 0]).all()

    def test_one_written_by_hand(self, tmp_path):
        path = generate.write_npy(tmp_path / "scene.npy", SMALL)
        (tmp_path / "scene.npy.json").write_text(
            '{"wavelengths": [400, 500, 600, 700], "nodata": "nan", "by": "me"}'
        )
        np.testing.assert_array_equal(open_scene(path).wavelengths, [400, 500, 600, 700])
