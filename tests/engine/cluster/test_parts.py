"""What a cluster rests on: cuts that lose nothing and trees that can be cut anywhere."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from had_cli.engine.cluster.cutting import strip_height, tasks_of
from had_cli.engine.cluster.recipes import FileScene
from had_cli.engine.cluster.work import around, together
from had_cli.engine.pairwise import Pairwise
from had_cli.engine.partition import partition
from had_cli.errors import SceneError
from had_cli.scenes.scene import Scene

SHAPES = st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40))
NATURAL = st.sampled_from([None, (1, 60), (16, 16), (128, 128), (7, 60)])


def tree(first, second):
    """Show who was merged with whom."""
    return f"({first}{second})"


@given(st.lists(st.sampled_from(["x", None]), min_size=1, max_size=40), st.sets(st.integers(1, 39)))
def test_a_tree_that_is_merged_in_parts_is_the_tree_merged_in_one(values, cuts):
    values = [None if value is None else f"{number}." for number, value in enumerate(values)]
    whole = Pairwise(tree)
    for value in values:
        whole.add(value)
    ends = [0, *sorted(cut for cut in cuts if cut < len(values)), len(values)]
    parts = []
    for start, stop in itertools.pairwise(ends):
        part = Pairwise(tree, start)
        for value in values[start:stop]:
            part.add(value)
        parts.append(part.nodes)
    while len(parts) > 1:  # neighbours, from the end on: another order than that of the scene
        second = parts.pop()
        joined = Pairwise(tree)
        joined.join([*parts.pop(), *second])
        parts.append(joined.nodes)
    found = Pairwise(tree)
    found.join(parts[0])
    assert found.result() == whole.result()


@settings(deadline=None)
@given(SHAPES, NATURAL, st.sampled_from([0, 3]), st.integers(1, 64), st.integers(1, 500))
def test_tasks_hold_every_piece_once_and_in_order(shape, natural, halo, threads, pixels):
    parts = partition(shape, natural=natural, halo=halo, pixels=pixels)
    tasks = list(tasks_of(parts, shape[2], threads))
    assert [piece for task in tasks for piece in task] == list(parts.pieces())


@settings(deadline=None)
@given(SHAPES, NATURAL, st.sampled_from([0, 3]), st.integers(1, 5000))
def test_what_is_read_together_is_a_rectangle_of_pieces(shape, natural, halo, pixels):
    parts = partition(shape, natural=natural, halo=halo, pixels=100)
    pieces = list(parts.pieces())
    reads = list(together(pieces, pixels, halo))
    assert [piece for read in reads for piece in read] == pieces
    for read in reads:
        outer = around(read)
        assert sum(p.width * p.height for p in read) == outer.width * outer.height
        assert len(read) == 1 or (outer.width + 2 * halo) * (outer.height + 2 * halo) <= pixels


def test_a_thousand_threads_have_work_and_a_scene_of_a_petabyte_has_tasks_of_a_size():
    flight = partition((20_000, 600, 200), natural=(1, 600))
    assert len(list(tasks_of(flight, 200, 1000))) >= 1000
    wide = partition((10**6, 10**6, 200))
    some = list(itertools.islice(tasks_of(wide, 200, 1000), 100))
    pixels = sum(piece.width * piece.height for task in some for piece in task) / len(some)
    assert 10**12 / pixels < 2**18
    assert strip_height((1_000_000, 1_000_000, 10), 2, 1000) >= 1


def test_an_array_is_no_scene_for_workers():
    with pytest.raises(SceneError, match="array in this process, and workers read files"):
        FileScene.of(Scene.from_array(np.zeros((3, 4, 5))))
