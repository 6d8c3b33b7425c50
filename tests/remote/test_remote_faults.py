"""Servers that fail: what passes is asked for again, the rest is one line."""

from __future__ import annotations

import socket

import numpy as np
import pytest
from range_server import serving

from had_cli.errors import SceneError
from had_cli.scenes.open import open_scene

PASSING = ("503@1", "reset@3", "500@4", "429@7", "wait@8", "reset@10")


@pytest.mark.parametrize("name", ["cog.tif", "bands.tif", "strips.tif"])
def test_faults_that_pass_change_nothing(folder, expected, name):
    with serving(folder, *PASSING) as server:
        with open_scene(server.url(name)) as scene:
            np.testing.assert_array_equal(scene.read(), expected)
        met = [request["status"] for request in server.requests]
        assert {0, 429, 500, 503} <= set(met)


def one_line(ended, *words):
    """Check that a command failed with one line that holds ``words``, and left nothing."""
    from pathlib import Path

    assert ended.status == 1
    assert ended.err.count("\n") == 1, ended.err
    for word in words:
        assert word in ended.err
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("500", "the server fails (HTTP status 500), also when asked again"),
        ("403", "the server refuses access (HTTP status 403); check the address, or give credentials"),
        (
            "reset",
            "the server does not answer (Recv failure: Connection reset by peer); check address and network",
        ),
    ],
)
@pytest.mark.parametrize("first", [1, 3], ids=["at the start", "in the middle"])
@pytest.mark.parametrize("name", ["cog.tif", "bands.tif"])
def test_faults_that_stay_are_one_line(had, folder, fault, words, first, name):
    with serving(folder, f"{fault}@{first}+") as server:
        url = server.url(name)
        one_line(had("detect", "-m", "grx", url), f"had: {url}: ", words)


def test_no_such_file(had, server):
    url = server.url("none.tif")
    one_line(
        had("detect", "-m", "grx", url), f"had: {url}: there is no such file on the server (HTTP status 404)"
    )


def test_no_server(had, monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    one_line(
        had("info", "http://127.0.0.1:9/x.tif"), "http://127.0.0.1:9/x.tif: the server does not answer ("
    )


def test_a_name_that_no_server_has_is_asked_for_once(had, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    asked = []

    def none(host, *_):
        asked.append(host)
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", none)
    one_line(
        had("info", "https://me:SECRET@nowhere.invalid/x.tif"),
        "had: https://nowhere.invalid/x.tif: the server does not answer (no address of nowhere.invalid is ",
        "found: Name or service not known); check address and network",
    )
    assert asked == ["nowhere.invalid"]


def test_a_proxy_looks_up_names_by_itself(had, server, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", None)
    monkeypatch.setenv("http_proxy", server.url("").rstrip("/"))
    one_line(had("info", "http://nowhere.invalid/none.tif"), "http://nowhere.invalid/none.tif: ")


def test_keys_in_a_url_are_in_no_message(had, server):
    url = server.url("none.tif").replace("http://", "http://me:SECRET@") + "?key=SECRET"
    ended = had("detect", "-m", "grx", url)
    one_line(ended, "there is no such file")
    assert "SECRET" not in ended.err


def test_no_raster(had, folder, tmp_path):
    served = tmp_path / "pages"
    served.mkdir()
    (served / "page.tif").write_text("<html>log in</html>" * 200)
    (served / "cut.tif").write_bytes((folder / "cog.tif").read_bytes()[:400_000])
    with serving(served) as server:
        for name in ("page.tif", "cut.tif"):
            one_line(had("detect", "-m", "grx", server.url(name)), name, "is it a raster, and complete?")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("scene.mat", "MATLAB files, version 5 and 7.3: read from files of this machine only; download it"),
        ("scene.npy", "NumPy arrays: read from files of this machine only; download it"),
        ("scene.npz", "NumPy archives: read from files of this machine only; download it"),
        ("cube.zarr", "read from files of this machine only; download it"),
        ("line.hdr", "is a header; name the data file beside it"),
        ("EMIT_L2A_RFL_001_20230316T045133_2307503_005.nc", "EMIT L2A reflectance"),
        ("ENMAP01-X-SPECTRAL_IMAGE.TIF", "EnMAP L1C and L2A"),
    ],
)
@pytest.mark.parametrize("start", ["https://127.0.0.1:9/", "s3://bucket/", "/vsicurl/http://127.0.0.1:9/"])
def test_what_cannot_be_read_from_afar_is_refused_without_a_request(had, name, words, start):
    one_line(had("detect", "-m", "grx", start + name), f"had: {start}{name}: ", words)


@pytest.mark.parametrize(
    "there", ["https://127.0.0.1:9/map.tif", "s3://bucket/map.tif", "/vsis3/bucket/map.tif"]
)
def test_nothing_is_written_to_a_server(had, folder, there):
    ended = had("detect", "-m", "grx", folder / "cog.tif", "-o", there)
    one_line(ended, "is a URL; outputs are files on this machine")
    one_line(had("convert", folder / "cog.tif", there), "is a URL; outputs are files on this machine")


def test_options_of_the_user_are_kept(folder, monkeypatch):
    monkeypatch.setenv("GDAL_HTTP_MAX_RETRY", "0")
    with serving(folder, "503@1") as server:
        with pytest.raises(SceneError, match=r"HTTP status 503"):
            open_scene(server.url("cog.tif"))
        assert [request["status"] for request in server.requests].count(503) == 1
