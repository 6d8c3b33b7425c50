"""A reader that recognises a file goes before those that list its suffix; others are not touched by it."""

import pytest
from distributions import install

from had_cli import open_scene
from had_cli.errors import SceneError
from had_cli.plugin.descriptions import Reader

PRODUCT = """
    from had_cli.plugin import Reader, hookimpl

    @hookimpl
    def had_readers():
        return [
            Reader(
                name="twin",
                summary="twin cubes",
                open="had_twin:open_twin",
                recognise="had_twin:is_twin",
                suffixes=(".npy", ".twin"),
            )
        ]

    def is_twin(path):
        from pathlib import Path

        return Path(path).name.startswith("TWIN")

    def open_twin(path, options):
        import numpy as np

        from had_cli.plugin import ArraySource, SceneInfo

        info = SceneInfo(path=path, format="twin", shape=(2, 3, 4), dtype=np.dtype("f4"))
        return ArraySource(info, np.ones((2, 3, 4), np.float32))
"""


@pytest.fixture
def twin(site):
    install(site, "had-twin", {"twin": "had_twin"}, {"had_twin": PRODUCT})


@pytest.fixture
def array(tmp_path):
    import numpy as np

    def write(name):
        path = tmp_path / name
        with path.open("wb") as file:
            np.save(file, np.zeros((5, 6, 7), np.float32))
        return path

    return write


def test_only_what_is_recognised_goes_to_the_product(twin, array):
    with open_scene(array("TWIN_1.npy")) as scene:
        assert (scene.source.info.format, scene.shape) == ("twin", (2, 3, 4))
    with open_scene(array("plain.npy")) as scene:
        assert scene.shape == (5, 6, 7)


def test_a_folder_may_be_a_product(twin, tmp_path):
    (tmp_path / "TWIN.twin").mkdir()
    with open_scene(tmp_path / "TWIN.twin") as scene:
        assert scene.source.info.format == "twin"
    (tmp_path / "other.twin").mkdir()
    with pytest.raises(SceneError, match="is a folder; name a scene file in it"):
        open_scene(tmp_path / "other.twin")


def test_a_file_that_nobody_recognises_is_told_what_is_read(twin, tmp_path):
    (tmp_path / "odd.twin").write_text("nothing of the kind")
    with pytest.raises(SceneError, match="no reader knows this kind of file; had reads of such files twin"):
        open_scene(tmp_path / "odd.twin")


def test_recognising_needs_suffixes_and_a_reference():
    with pytest.raises(ValueError, match="recognise without suffixes"):
        Reader(name="x", summary="s", open="m:f", recognise="m:g")
    with pytest.raises(ValueError, match="recognise='nothing'"):
        Reader(name="x", summary="s", open="m:f", recognise="nothing", suffixes=(".x",))
