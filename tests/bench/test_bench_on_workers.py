"""Cells on the workers of a cluster: the same results, from several at a time."""

import pytest
from benching import read

from had_cli.bench.spread import run_there

SAME = ("results.json", "results.csv", "curves.json")
WORDS = ("-m", "steps", "-m", "raising", "-m", "dying", "-m", "draw", "--keep-maps", "--no-plots")


@pytest.fixture
def ended(had, methods, scenes):
    """Run a bench here and on workers, and return how both ended."""
    here = had("bench", "scenes", *WORDS, "-o", "here", site=methods)
    there = had("bench", "scenes", *WORDS, "-o", "there", "--engine", "dask", "--workers", 2, site=methods)
    return here, there


def test_workers_give_the_results_of_one_machine(ended, tmp_path):
    here, there = ended
    assert (here.returncode, there.returncode) == (1, 1), there.stderr
    for name in SAME:
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name
    maps = sorted(path.name for path in (tmp_path / "here" / "maps").iterdir())
    assert sorted(path.name for path in (tmp_path / "there" / "maps").iterdir()) == maps
    for name in maps:
        written = [(tmp_path / folder / "maps" / name).read_bytes() for folder in ("here", "there")]
        assert written[0] == written[1], name
    lines = sorted(line for line in there.stderr.splitlines() if line.startswith("had: "))
    assert lines == sorted(line for line in here.stderr.splitlines() if line.startswith("had: "))
    assert len(lines) == 4
    assert "dask: workers 2" in there.stderr
    assert read(tmp_path / "there" / "results.json")["engine"] == "auto"


def test_a_worker_that_cannot_see_the_folder():
    job = {"map": None}
    assert "does not see /nowhere/at/all; start the bench" in run_there(job, "/nowhere/at/all")["error"]
