"""had plugins new: what it writes installs, lists, runs and passes the kit as it is."""

import os
import subprocess
import sys

import pytest
from distributions import install


@pytest.fixture
def made(had, tmp_path):
    ended = had("plugins", "new", "first-try")
    assert ended.status == 0
    assert ended.out.startswith("had-first-try: a detector; install it by: pip install -e had-first-try")
    return tmp_path / "here" / "had-first-try"


def passes_its_tests(made, site):
    install(site, "had-first-try", {"first-try": "had_first_try"}, version="0.1.0")
    path = os.pathsep.join([str(site), str(made)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(made)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
        cwd=made,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


def test_it_passes_its_own_tests_and_the_contract(made, tmp_path):
    passes_its_tests(made, tmp_path / "installed")


@pytest.mark.parametrize("kind", ["trained", "reader", "writer", "metric"])
def test_what_is_begun_of_each_kind_passes_its_own_tests(had, tmp_path, kind):
    ended = had("plugins", "new", "first-try", "--kind", kind)
    assert ended.status == 0, ended.err
    passes_its_tests(tmp_path / "here" / "had-first-try", tmp_path / "installed")


def test_the_name_of_the_distribution_will_do(had, tmp_path):
    assert had("plugins", "new", "had-x").out.startswith("had-x: a detector;")
    assert (tmp_path / "here" / "had-x" / "had_x" / "__init__.py").exists()
    assert not (tmp_path / "here" / "had-had-x").exists()


def test_a_kind_that_there_is_not_is_refused_with_those_there_are(had):
    ended = had("plugins", "new", "x", "--kind", "thing")
    assert ended.status == 2
    assert "--kind takes one of detector, trained, reader, writer, metric, not 'thing'" in ended.err


def test_nothing_but_its_files_is_left(made):
    files = sorted(str(f.relative_to(made.parent)) for f in made.parent.rglob("*") if f.is_file())
    assert files == [
        "had-first-try/README.md",
        "had-first-try/had_first_try/__init__.py",
        "had-first-try/had_first_try/detector.py",
        "had-first-try/pyproject.toml",
        "had-first-try/tests/test_first_try.py",
    ]


@pytest.mark.parametrize(("name", "status"), [("Grx", 2), ("two_words", 2), ("grx", 2), ("first-try", 1)])
def test_a_name_that_cannot_be_or_is_taken_is_refused(had, made, name, status):
    ended = had("plugins", "new", name)
    assert ended.status == status
    assert ended.err.startswith("had: ")
    assert ended.err.count("\n") == 1
    assert [f.name for f in made.parent.iterdir()] == ["had-first-try"]
