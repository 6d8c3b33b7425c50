"""No command replaces a file that it reads, whatever its options; the message names both."""

import os

import generate
import numpy as np
import pytest

CUBE = generate.make_cube(rows=14, cols=15, bands=4)


def bytes_of(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.fixture
def kept(had, tmp_path):
    """Return ``kept(what, *words)``: the command fails in one line that names both, and changes nothing."""

    def run(out, given, *words):
        before = bytes_of(tmp_path / "here")
        ended = had(*words, "--overwrite")
        assert str(out) in ended.line
        assert f"({given})" in ended.line
        assert " itself " in ended.line
        assert bytes_of(tmp_path / "here") == before

    return run


@pytest.fixture
def here(had, tmp_path):
    return tmp_path / "here"


@pytest.mark.parametrize("suffix", [".tif", ".npy", ".npz", ".mat", ".hdr"])
@pytest.mark.parametrize("linked", [False, True])
def test_convert(had, here, kept, suffix, linked):
    generate.write_npy(here / "made.npy", CUBE)
    scene = f"s{suffix}"
    assert had("convert", "made.npy", scene).status == 0
    out = scene
    if linked:
        out = f"link{suffix}"
        (here / out).symlink_to(scene)
    kept(out, scene, "convert", scene, out, "--bands", "1-3")


def test_convert_keeps_the_sources_of_a_virtual_raster(had, here, kept):
    generate.write_geotiff(here / "s.tif", CUBE)
    (here / "s.vrt").write_text(
        '<VRTDataset rasterXSize="15" rasterYSize="14"><VRTRasterBand dataType="Float32" band="1">'
        '<SimpleSource><SourceFilename relativeToVRT="1">s.tif</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    kept("s.tif", "s.vrt", "convert", "s.vrt", "s.tif")


@pytest.mark.parametrize("out", ["s.img", "S.HDR"])
def test_either_file_of_an_envi_pair(had, here, kept, out):
    generate.write_envi(here / "s.hdr", CUBE)
    os.link(here / "s.img", here / "linked.img")
    kept("linked.hdr", "s.hdr", "convert", "s.hdr", "linked.hdr")


@pytest.mark.parametrize("read", ["line.npy", "marks.npy"])
def test_train(had, here, kept, read):
    generate.write_npy(here / "line.npy", CUBE)
    np.save(here / "marks.npy", np.ones((14, 15), np.uint8))
    kept(read, read, "train", "-m", "nl2net", "line.npy", "--mask", "marks.npy", "-o", read)


@pytest.mark.parametrize("option", ["--log-file", "-o"])
def test_train_and_its_log(had, here, option):
    generate.write_npy(here / "line.npy", CUBE)
    before = bytes_of(here)
    words = {"-o": "same.safetensors", "--log-file": "same.safetensors"}
    ended = had("train", "-m", "nl2net", "line.npy", *(word for pair in words.items() for word in pair))
    assert "same.safetensors: is the weights itself" in ended.line
    assert bytes_of(here) == before


@pytest.mark.parametrize("read", ["map.tif", "line.npy"])
@pytest.mark.parametrize("option", ["-o", "--vector"])
def test_threshold(had, here, kept, read, option):
    generate.write_npy(here / "line.npy", CUBE)
    assert had("detect", "-m", "grx", "line.npy", "-o", "map.tif").status == 0
    out = "out.tif" if option == "-o" else "out.geojson"
    (here / out).symlink_to(read)
    kept(
        out,
        read,
        *("threshold", "map.tif", "--rule", "quantile:0.9", "--scene", "line.npy"),
        *(option, out),
    )


@pytest.mark.parametrize("command", ["report", "quicklook"])
@pytest.mark.parametrize("read", ["map.tif", "line.npy", "marks.npy"])
def test_pages_and_pictures(had, here, kept, command, read):
    generate.write_npy(here / "line.npy", CUBE)
    np.save(here / "marks.npy", generate.make_truth(14, 15))
    assert had("detect", "-m", "grx", "line.npy", "-o", "map.tif").status == 0
    kept(read, read, command, "line.npy", "map.tif", "--truth", "marks.npy", "-o", read)


def test_the_report_of_a_bench(had, here, kept):
    (here / "bench").mkdir()
    (here / "bench" / "results.json").write_text("{}")
    ended = had("report", "bench", "-o", "bench/results.json", "--overwrite")
    assert "is the result of the bench itself" in ended.line
    assert (here / "bench" / "results.json").read_text() == "{}"


def test_bench_and_its_configuration(had, here):
    generate.write_npy(here / "line.npy", CUBE)
    (here / "bench").mkdir()
    (here / "bench" / "bench.lock").touch()
    (here / "bench" / "results.json").write_text('[[method]]\nname = "grx"\n')
    ended = had("bench", "line.npy", "--config", "bench/results.json", "-o", "bench")
    assert "bench/results.json: is the file of --config itself" in ended.line
    assert (here / "bench" / "results.json").read_text().startswith("[[method]]")


def test_released_weights(had, here, kept):
    (here / "released.pt").write_bytes(b"x")
    kept("released.pt", "released.pt", "models", "import", "nl2net", "released.pt", "-o", "released.pt")


def test_weights_that_are_exported(had, here, kept):
    (here / "w.pt2").write_bytes(b"x")
    kept("w.pt2", "w.pt2", "models", "export", "w.pt2", "-o", "w.pt2")


@pytest.mark.parametrize("other", ["map.tif", "line.npy", "out.geojson"])
def test_files_that_a_method_writes(had, here, other):
    generate.write_npy(here / "line.npy", CUBE)
    before = bytes_of(here)
    ended = had(
        *(
            "detect",
            "-m",
            "nl2net",
            "--epochs",
            "1",
            "line.npy",
            "-o",
            "map.tif",
            "--threshold",
            "quantile:0.9",
        ),
        *("--threshold", "quantile:0.9", "--vector", "out.geojson", "--save-background", other),
    )
    assert ended.line.startswith(f"{other}: ")
    assert bytes_of(here) == before


def test_a_file_per_scene_is_not_written_twice(had, here):
    for name in ("a.npy", "b.npy"):
        generate.write_npy(here / name, CUBE)
    ended = had("detect", "-m", "nl2net", "a.npy", "b.npy", "-o", "maps", "--save-background", "back.tif")
    assert ended.status == 2
    assert sorted(bytes_of(here)) == ["a.npy", "b.npy"]
