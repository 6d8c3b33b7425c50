"""What comes of a scene is forgotten once no method looks at it: nothing waits for the garbage collector."""

from __future__ import annotations

import gc
import weakref

import numpy as np

from had_cli.engine.executor import Executor
from had_cli.scenes.scene import Scene


def test_features_and_a_smaller_scene_are_gone_with_the_last_reference():
    cube = np.random.default_rng(0).normal(size=(40, 30, 4)).astype(np.float32)
    gc.disable()
    try:
        with Executor(Scene.from_array(cube)) as run:
            features = run.through(lambda block: block.core_of(block.cube) * 2, bands=4)
            smaller = features.shrunk(2)
            there = [weakref.ref(each.scene.source) for each in (features, smaller)]
            assert all(source() is not None for source in there)
            del features, smaller
            assert all(source() is None for source in there)
    finally:
        gc.enable()
