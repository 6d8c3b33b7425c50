"""Blocks are read ahead in a bounded number, and errors arrive where the blocks are used."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from had_cli.engine.executor import Executor
from had_cli.engine.pairwise import Pairwise
from had_cli.engine.prefetch import prefetch
from had_cli.engine.threads import cores, ordered
from had_cli.scenes.scene import Scene


def test_results_come_in_order():
    assert list(prefetch(lambda i: i * i, range(50))) == [i * i for i in range(50)]


def test_at_most_three_blocks_exist_at_a_time():
    made, used = [], []

    def make(index):
        made.append(index)
        assert len(made) - len(used) <= 3
        return index

    for index in prefetch(make, range(40)):
        used += [index]
    assert used == made == list(range(40))


def test_an_error_while_reading_is_raised_where_the_blocks_are_used():
    def fail(index):
        if index == 3:
            raise OSError("the disk went away")
        return index

    with pytest.raises(OSError, match="the disk went away"):
        list(prefetch(fail, range(9)))


def test_leaving_early_ends_the_reader():
    before = threading.active_count()
    for index in prefetch(lambda i: i, range(1000)):
        if index == 2:
            break
    assert threading.active_count() == before


def test_several_workers_give_the_results_in_order():
    assert list(ordered(lambda i: i * i, iter(range(30)), lambda: 3)) == [i * i for i in range(30)]


def test_while_a_run_lasts_blas_has_one_thread():
    class Threads:
        def __call__(self, block):
            assert all(pool["num_threads"] == 1 for pool in threadpool_info() if pool["user_api"] == "blas")
            return block.cube[..., 0]

    with Executor(Scene.from_array(np.ones((40, 50, 2)))) as run:
        run.map(Threads())


def test_an_error_in_a_worker_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(ordered(lambda i: 1 // (i - 5), range(10), lambda: 2))


def test_omp_num_threads_lowers_the_number_of_blocks_at_once(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores() == 1


def test_merging_keeps_the_order_and_adds_everything_once():
    merged = Pairwise(lambda a, b: a + b)
    assert merged.result() is None
    for letter in "hyperspectral":
        merged.add(letter)
    assert merged.result() == "hyperspectral"


def test_the_number_of_workers_may_grow_on_the_way():
    together, most, lock = 0, [], threading.Lock()
    both = threading.Barrier(2, timeout=20)

    def work(index):
        nonlocal together
        with lock:
            together += 1
            most.append(together)
        if index in {6, 7}:  # these two can only end together
            both.wait()
        with lock:
            together -= 1
        return index

    started = []
    items = (started.append(i) or i for i in range(8))
    assert list(ordered(work, items, lambda: 1 if len(started) < 5 else 2)) == list(range(8))
    assert max(most[:3]) == 1
    assert max(most) == 2
