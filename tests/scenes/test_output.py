"""Rasters are written whole or not at all, and never over something else by accident."""

from __future__ import annotations

from pathlib import Path

import generate
import numpy as np
import pytest

from had_cli.errors import OutputError, OutputExistsError
from had_cli.scenes.open import open_scene
from had_cli.scenes.output import create_raster, default_output, map_info
from had_cli.scenes.source import SceneInfo, Window

CUBE = generate.make_cube()
INFO = SceneInfo(path="scene", format="test", shape=CUBE.shape, dtype=CUBE.dtype)
ALL = Window(0, 0, 17, 13)
SUFFIXES = [".tif", ".tiff", ".hdr", ".mat", ".npy", ".npz"]


def write(path, cube=CUBE, **options):
    with create_raster(path, INFO, cube.dtype, **options) as sink:
        sink.write(ALL, cube)


def files(folder):
    return sorted(file.name for file in folder.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
class TestEveryFormat:
    def test_appears_complete(self, tmp_path, suffix):
        path = tmp_path / f"out{suffix}"
        with create_raster(path, INFO, CUBE.dtype) as sink:
            sink.write(ALL, CUBE)
            assert not path.exists()
        np.testing.assert_array_equal(open_scene(path).read(), CUBE)

    @pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, MemoryError])
    def test_nothing_is_left_of_a_run_that_failed(self, tmp_path, suffix, error):
        path = tmp_path / f"out{suffix}"

        def fail():
            with create_raster(path, INFO, CUBE.dtype) as sink:
                sink.write(Window(0, 0, 17, 5), CUBE[:5])
                raise error

        with pytest.raises(error):
            fail()
        assert files(tmp_path) == []

    def test_a_run_that_failed_leaves_the_old_file(self, tmp_path, suffix):
        path = tmp_path / f"out{suffix}"
        write(path)
        before = {name: (tmp_path / name).read_bytes() for name in files(tmp_path)}

        def fail():
            with create_raster(path, INFO, CUBE.dtype, overwrite=True) as sink:
                sink.write(ALL, CUBE * 0)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        assert {name: (tmp_path / name).read_bytes() for name in files(tmp_path)} == before

    def test_is_not_overwritten_unless_told(self, tmp_path, suffix):
        path = tmp_path / f"out{suffix}"
        write(path)
        with (
            pytest.raises(OutputExistsError, match=r"exists already; give --overwrite"),
            create_raster(path, INFO, "i2"),
        ):
            pytest.fail("work began")
        write(path, CUBE + 1, overwrite=True)
        np.testing.assert_array_equal(open_scene(path).read(), CUBE + 1)

    def test_may_replace_the_scene_it_is_made_of(self, tmp_path, suffix):
        path = tmp_path / f"out{suffix}"
        write(path)
        with open_scene(path) as scene, create_raster(path, INFO, "i2", overwrite=True) as sink:
            for row in range(13):
                sink.write(Window(0, row, 17, 1), scene.read(Window(0, row, 17, 1)).astype("i2") * 2)
        np.testing.assert_array_equal(open_scene(path).read(), CUBE * 2)


class TestSidecars:
    @pytest.mark.parametrize(
        ("out", "beside"), [("o.hdr", "o.img"), ("o.npy", "o.npy.json"), ("o.tif", "o.tif.aux.xml")]
    )
    def test_files_that_belong_to_the_output_are_not_overwritten_either(self, tmp_path, out, beside):
        (tmp_path / beside).write_text("precious")
        with pytest.raises(OutputExistsError, match=beside):
            write(tmp_path / out)
        assert files(tmp_path) == [beside]
        assert (tmp_path / beside).read_text() == "precious"

    def test_statistics_of_the_raster_that_is_replaced_go_with_it(self, tmp_path):
        write(tmp_path / "o.tif")
        (tmp_path / "o.tif.aux.xml").write_text("<PAMDataset></PAMDataset>")
        write(tmp_path / "o.tif", overwrite=True)
        assert files(tmp_path) == ["o.tif"]


class TestRefusals:
    def test_a_missing_folder(self, tmp_path):
        with pytest.raises(OutputError, match=r"there is no folder .*missing; create it first"):
            write(tmp_path / "missing" / "o.tif")

    def test_a_file_for_a_folder(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(OutputError, match="there is no folder"):
            write(tmp_path / "file" / "o.tif")

    def test_a_folder_without_permission(self, tmp_path, monkeypatch):
        def forbidden(**_):  # chmod would not stop root, as whom tests run in containers
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr("had_cli.publishing.scratch.tempfile.mkdtemp", forbidden)
        with pytest.raises(OutputError, match=r"the folder .* cannot be written to \(Permission denied\)"):
            write(tmp_path / "o.tif")

    def test_an_unknown_suffix_lists_the_known(self, tmp_path):
        for name in ("o.jpeg", "o"):
            with pytest.raises(OutputError, match=r"choose one of .*\.hdr, \.mat, \.npy, .*\.tif"):
                write(tmp_path / name)

    def test_a_folder_of_that_name(self, tmp_path):
        (tmp_path / "o.tif").mkdir()
        with pytest.raises(OutputError, match="is a folder"):
            write(tmp_path / "o.tif")

    def test_a_full_disk_is_one_line(self, tmp_path, monkeypatch):
        from had_cli.formats.slab import Slab

        def full(*_):
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(Slab, "write", full)
        with pytest.raises(OutputError, match=r"o\.hdr: cannot be written \(No space left on device\)"):
            write(tmp_path / "o.hdr")
        assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("scene", "expected"),
    [
        ("/data/line.hdr", "line_grx.tif"),
        (Path("a/b.mat"), "b_grx.tif"),
        ("https://host/x/b.tif?key=1.2", "b_grx.tif"),
        ("/vsizip/a.zip/b.tif", "b_grx.tif"),
    ],
)
def test_default_output(scene, expected):
    assert default_output(scene, "grx") == Path(expected)


def test_a_map_takes_its_place_from_the_scene(tmp_path):
    path = generate.write_envi(
        tmp_path / "s.hdr", CUBE, map_info="{UTM, 1, 1, 5, 6, 2, 2, 11, North, WGS-84}", data_ignore_value=-1
    )
    info = map_info(open_scene(path, window=(3, 2, 4, 5)).info, tags={"had_method": "grx"})
    assert info.shape == (5, 4, 1)
    assert info.transform == (2, 0, 11, 0, -2, 2)
    assert np.isnan(info.nodata)
    assert info.wavelengths is None
    assert info.tags == {"had_method": "grx"}
