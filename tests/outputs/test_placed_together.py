"""Files of one command take their places together, or none does."""

from __future__ import annotations

import os

import pytest

from had_cli import files
from had_cli.errors import OutputExistsError
from had_cli.files import placed_together, refuse_existing, write_whole
from had_cli.publishing import placing


def listed(folder):
    return sorted(path.name for path in folder.iterdir())


def together(*written, then=lambda: None):
    """Write (path, content) one after the other, then do something, in one context."""
    with placed_together():
        for path, content in written:
            write_whole(path, content)
        then()


def test_files_appear_when_the_context_is_left(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    with placed_together():
        write_whole(tmp_path / "mask.tif", b"mask")
        write_whole(tmp_path / "places.json", b"places")
        write_whole(other / "mask.tif", b"another")
        assert not (tmp_path / "mask.tif").exists()
    assert listed(tmp_path) == ["mask.tif", "other", "places.json"]
    assert (tmp_path / "mask.tif").read_bytes() == b"mask"
    assert (tmp_path / "places.json").read_bytes() == b"places"
    assert (other / "mask.tif").read_bytes() == b"another"


def test_after_an_exception_nothing_is_there(tmp_path):
    with pytest.raises(ZeroDivisionError):
        together((tmp_path / "mask.tif", b"mask"), then=lambda: 1 / 0)
    assert listed(tmp_path) == []
    write_whole(tmp_path / "mask.tif", b"alone")  # is placed at once again
    assert listed(tmp_path) == ["mask.tif"]


def test_one_that_is_made_meanwhile_keeps_all_of_them_away(tmp_path):
    mask, places = tmp_path / "mask.tif", tmp_path / "places.json"
    with pytest.raises(OutputExistsError, match=r"places\.json: exists already"):
        together((mask, b"mask"), (places, b"places"), then=lambda: places.write_bytes(b"somebody else's"))
    assert listed(tmp_path) == ["places.json"]
    assert (tmp_path / "places.json").read_bytes() == b"somebody else's"


def test_old_files_are_replaced_by_both(tmp_path):
    for name in ("mask.tif", "places.json"):
        (tmp_path / name).write_bytes(b"old")
    with placed_together():
        write_whole(tmp_path / "mask.tif", b"mask", overwrite=True)
        write_whole(tmp_path / "places.json", b"places", overwrite=True)
    assert (tmp_path / "mask.tif").read_bytes() == b"mask"
    assert (tmp_path / "places.json").read_bytes() == b"places"
    assert listed(tmp_path) == ["mask.tif", "places.json"]


def test_one_name_twice_is_told_and_not_taken_for_a_set(tmp_path):
    with pytest.raises(OutputExistsError, match=r"mask\.tif: exists already"):
        together((tmp_path / "mask.tif", b"first"), (tmp_path / "mask.tif", b"second"))
    assert (tmp_path / "mask.tif").read_bytes() == b"first"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills a forked process")
def test_the_next_run_completes_what_a_killed_one_left_between_two_names(tmp_path, monkeypatch):
    child = os.fork()
    if not child:
        moved = placing._move_to_free
        done = []

        def once(file, place):
            if done:
                os._exit(9)
            done.append(moved(file, place))

        monkeypatch.setattr(placing, "_move_to_free", once)
        with placed_together():
            write_whole(tmp_path / "mask.tif", b"mask")
            write_whole(tmp_path / "places.json", b"places")
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert not (tmp_path / "mask.tif").exists()  # what the user named first comes last
    with pytest.raises(OutputExistsError):
        refuse_existing(tmp_path / "mask.tif", overwrite=False)
    assert listed(tmp_path) == ["mask.tif", "places.json"]
    assert (tmp_path / "mask.tif").read_bytes() == b"mask"
    assert files._waiting.get() is None
