"""Files made to do harm, told in one line: they once killed the process, hung it, or took all memory."""

import json
import os
import struct
import sys

import attack_structures as made
import generate
import h5py
import numpy as np
import pytest
from attack_bytes import CUBE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from had_cli.errors import SceneError
from had_cli.foreign.mat5 import DEEPEST, check_structure
from had_cli.foreign.texts import parse_json, parse_toml
from had_cli.scenes.open import open_scene

UNHURRIED = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
linux = pytest.mark.skipif(sys.platform != "linux", reason="makes named pipes")


def refusal(path):
    with pytest.raises(SceneError) as caught:
        open_scene(path).read()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def written(path, *elements):
    path.write_bytes(made._HEAD + b"".join(elements))
    return path


class TestMat5:
    @pytest.mark.parametrize("kind", [1, 2])
    @pytest.mark.parametrize("packed", [False, True])
    def test_nesting_has_an_end(self, tmp_path, kind, packed):
        import zlib

        for depth, fine in ((DEEPEST - 2, True), (DEEPEST + 1, False), (40_000, False)):
            raw = made.nested(kind, depth, top=b"s")
            if packed:
                raw = struct.pack("<II", 15, len(zlib.compress(raw))) + zlib.compress(raw)
            cube = made.matrix(6, CUBE.shape, made.element(9, CUBE.astype("f8").tobytes("F")), name=b"data")
            path = written(tmp_path / "s.mat", raw, cube)
            if fine:
                np.testing.assert_array_equal(open_scene(path).read(), CUBE)
            else:
                assert f"nested more than {DEEPEST} deep" in refusal(path)

    @pytest.mark.parametrize("kind", [0, 8, 14, 15, 19, 131, 0xFFFF])
    @pytest.mark.parametrize("inside", ["nothing", "a cell", "zlib"])
    def test_values_of_a_type_that_there_is_not(self, tmp_path, kind, inside):
        """scipy takes the type for a place in a table, whatever it is."""
        import zlib

        cube = made.matrix(6, CUBE.shape, made.element(kind, CUBE.astype("f8").tobytes("F")), name=b"data")
        if inside == "a cell":
            cube = made.matrix(1, (1, 1), cube, name=b"data")
        if inside == "zlib":
            cube = struct.pack("<II", 15, len(zlib.compress(cube))) + zlib.compress(cube)
        assert f"type {kind}" in refusal(written(tmp_path / "s.mat", cube))

    def test_arrays_of_every_kind_are_fine(self, tmp_path):
        import scipy.io
        import scipy.sparse

        values = {
            "data": CUBE,
            "complex": CUBE * 1j,
            "sparse": scipy.sparse.eye(4).tocsc(),
            "imaginary": scipy.sparse.eye(4).tocsc() * 1j,
            "small": np.ones(1, "u1"),
            "empty": np.empty((0, 3)),
            "text": "wörter",
            "inside": {"complex": np.ones(3) * 1j, "none": np.empty((0, 0))},
        }
        for packed in (False, True):
            scipy.io.savemat(tmp_path / "s.mat", values, do_compression=packed)
            np.testing.assert_array_equal(open_scene(tmp_path / "s.mat").read(), CUBE)

    def test_counts_that_lead_beyond_their_element(self, tmp_path):
        """Flat by the lengths, nested by the counts, which scipy goes by."""
        fields = made.element(5, struct.pack("<i", 8)) + made.element(1, b"f" * 8)
        flat = made.matrix(2, (1, 1), fields, name=b"s") + made.matrix(1, (1, 1)) * 40_000
        assert "fit" in refusal(written(tmp_path / "s.mat", flat))

    @pytest.mark.parametrize("dims", [(2**31 - 1, 1), (2**16, 2**15), (-1, -5)])
    def test_sizes_are_bounded_by_the_file(self, tmp_path, dims):
        assert "fit into the file" in refusal(written(tmp_path / "s.mat", made.matrix(1, dims, name=b"s")))

    @UNHURRIED
    @given(
        st.recursive(
            st.sampled_from([1.0, "text", np.ones((2, 3))]),
            lambda inner: (
                st.dictionaries(st.sampled_from("abc"), inner, min_size=1, max_size=3)
                | st.lists(inner, min_size=1, max_size=3)
            ),
            max_leaves=12,
        )
    )
    def test_what_scipy_writes_is_sound(self, value):
        import io
        import tempfile

        import scipy.io

        def cells(item):
            if isinstance(item, list):
                found = np.empty(len(item), object)
                for number, one in enumerate(item):
                    found[number] = cells(one)
                return found
            return {k: cells(v) for k, v in item.items()} if isinstance(item, dict) else item

        for packed in (False, True):
            buffer = io.BytesIO()
            scipy.io.savemat(buffer, {"x": cells(value)}, do_compression=packed)
            with tempfile.TemporaryFile() as file:
                file.write(buffer.getvalue())
                file.seek(0)
                check_structure(file)


class TestHdf5:
    @pytest.fixture
    def scene(self, tmp_path):
        return generate.write_mat73(tmp_path / "scene.mat", CUBE)

    @linux
    def test_links_to_other_files_are_never_followed(self, scene, tmp_path):
        os.mkfifo(tmp_path / "pipe.h5")
        with h5py.File(scene, "r+") as file:
            file["other"] = h5py.ExternalLink("pipe.h5", "x")
        assert "/other links to another file (pipe.h5)" in refusal(scene)

    def test_values_that_lie_elsewhere(self, scene, tmp_path):
        with h5py.File(scene, "r+") as file:
            file.create_dataset("raw", (4, 4), "u1", external=[(str(tmp_path / "raw"), 0, 16)])
        assert "/raw has external storage" in refusal(scene)

    def test_a_virtual_dataset_of_itself(self, scene):
        with h5py.File(scene, "r+") as file:
            layout = h5py.VirtualLayout((5, 11, 9), "i2")
            layout[...] = h5py.VirtualSource(".", "loop", shape=(5, 11, 9))
            file.create_virtual_dataset("loop", layout)
        assert "/loop is a virtual dataset" in refusal(scene)

    def test_a_group_within_itself(self, scene):
        with h5py.File(scene, "r+") as file:
            file["group/loop"] = file["/"]
        np.testing.assert_array_equal(open_scene(scene).read(), CUBE)

    def test_a_size_that_was_never_written(self, scene):
        with h5py.File(scene, "r+") as file:
            file.create_dataset("metadata", (2**40,), "u2", chunks=(1024,))
        assert "/metadata were never written: 2199.0 GB are declared" in refusal(scene)


class TestRasters:
    def vrt(self, path, source):
        band = f'<SimpleSource><SourceFilename relativeToVRT="1">{source}</SourceFilename></SimpleSource>'
        band = f'<VRTRasterBand dataType="Int16" band="1">{band}</VRTRasterBand>'
        path.write_text(f'<VRTDataset rasterXSize="11" rasterYSize="9">{band}</VRTDataset>')
        return path

    @linux
    @pytest.mark.parametrize("deep", [False, True])
    def test_a_pipe_behind_a_virtual_raster(self, tmp_path, deep):
        os.mkfifo(tmp_path / "pipe.tif")
        path = self.vrt(tmp_path / "scene.vrt", "inner.vrt" if deep else "pipe.tif")
        self.vrt(tmp_path / "inner.vrt", "pipe.tif")
        assert "pipe.tif, which is no regular file" in refusal(path)

    @linux
    @pytest.mark.parametrize("end", [".aux.xml", ".msk", ".ovr"])
    def test_a_pipe_beside_a_raster(self, tmp_path, end):
        path = generate.write_geotiff(tmp_path / "scene.tif", CUBE)
        os.mkfifo(f"{path}{end}")
        assert "is no regular file" in refusal(path)

    @pytest.mark.parametrize("source", ["/vsicurl/http://127.0.0.1:9/x.tif", "http://127.0.0.1:9/x.tif"])
    def test_no_file_asks_the_network(self, tmp_path, source):
        assert "on the network, which no file may ask for" in refusal(self.vrt(tmp_path / "s.vrt", source))
        path = tmp_path / "service.xml"
        path.write_text(f'<GDAL_WMS><Service name="TMS"><ServerUrl>{source}</ServerUrl></Service></GDAL_WMS>')
        assert "no reader knows" in refusal(path)

    def test_a_raster_made_of_itself(self, tmp_path):
        assert refusal(self.vrt(tmp_path / "s.vrt", "s.vrt"))

    def test_an_honest_virtual_raster(self, tmp_path):
        generate.write_geotiff(tmp_path / "band.tif", CUBE[..., :1])
        assert open_scene(self.vrt(tmp_path / "s.vrt", "band.tif")).shape == (9, 11, 1)


class TestTexts:
    @pytest.mark.parametrize(
        "text",
        [
            "NaN",
            "[1e999]",
            "-Infinity",
            "[" * 100_000,
            '{"a":' * 200 + "1" + "}" * 200,
            '"\\ud800"',
            "9" * 5000,
        ],
    )
    def test_what_no_json_holds(self, text):
        with pytest.raises(ValueError):  # noqa: PT011 - any words will do
            parse_json(text)

    @pytest.mark.parametrize("text", [f"a = {'[' * 5000}", f"a = {'9' * 6000}", "a =", "\xff"])
    def test_what_no_toml_holds(self, text):
        with pytest.raises(ValueError):  # noqa: PT011
            parse_toml(text.encode("latin-1"))

    @UNHURRIED
    @given(
        st.recursive(
            st.none()
            | st.booleans()
            | st.integers(-(2**60), 2**60)
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=20,
        )
    )
    def test_honest_json_is_what_it_was(self, value):
        assert parse_json(json.dumps(value)) == value


def test_a_header_that_may_be_cut_is_told(tmp_path):
    path = generate.write_envi(tmp_path / "s.hdr", CUBE, wavelength_units="Nanometers")
    path.write_text(path.read_text().rstrip("\n")[:-4])
    (note,) = [note for note in open_scene(path).info.notes if "new line" in note]
    assert "'wavelength units = Nanome' is cut" in note
