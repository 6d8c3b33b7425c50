"""Sizes are read as people write them."""

from __future__ import annotations

import pytest

from had_cli.engine.memory import available_memory, memory_budget, parse_size, results_budget
from had_cli.errors import UsageError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("2GB", 2 * 10**9),
        ("512 MiB", 2**29),
        ("1.5g", 1_500_000_000),
        ("4096", 4096),
        (4096, 4096),
        ("1TiB", 2**40),
    ],
)
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "0", "-1GB", "lots", "1e9", "2 giga", 0])
def test_what_is_no_size_is_refused_in_one_line(text):
    with pytest.raises(UsageError, match="--memory takes a size such as 2GB"):
        parse_size(text)


def test_the_default_is_a_quarter_of_what_is_free():
    assert memory_budget(None) <= available_memory()
    assert memory_budget("1GB") == 10**9


def test_results_take_half_of_the_memory_given_and_little_where_none_is():
    assert results_budget(10**10, given=True) == 5 * 10**9
    assert results_budget(10**10, given=False) == 2**26
    assert results_budget(10**8, given=False) == 5 * 10**7


def test_the_limit_of_a_container_counts(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("3000000\n")
    (tmp_path / "memory.current").write_text("1000000\n")
    monkeypatch.setattr("had_cli.engine.memory._CGROUP", tmp_path)
    assert available_memory() == 2_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert available_memory() > 2_000_000
