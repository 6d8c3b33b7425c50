"""A plugin whose methods are sound but for one fault each, for the tests of the kit."""

METHODS = """
    from had_cli.plugin import Method, hookimpl

    NAMES = (
        "sound", "wrong-shape", "gaps", "changes-input", "keeps-state", "keeps-state-by-shape",
        "block-order", "block-size", "unseeded", "seed-of-hash", "double", "by-name", "by-path",
        "writes-invalid",
    )

    @hookimpl
    def had_methods():
        return [
            Method(name="planted-" + name, summary="A planted fault", paper="none",
                   detect="had_planted_code:" + name.replace("-", "_"))
            for name in NAMES
        ]
"""

HEAVY = """
    import torch
    from had_cli.plugin import Method, hookimpl

    @hookimpl
    def had_methods():
        detect = "had_planted_code:sound"
        return [Method(name="planted-heavy", summary="Imports torch", paper="none", detect=detect)]
"""

CODE = """
    import threading
    import numpy as np

    class Distance:
        '''Squared distance from a fixed spectrum: nothing wrong with it.'''

        def __init__(self, centre):
            self.centre = centre

        def __call__(self, block):
            return ((block.core_of(block.cube) - self.centre) ** 2).sum(axis=-1)

    class Total:
        def compute(self, pixels, xp):
            return len(pixels), pixels.sum(axis=0, dtype=np.float64)

        def merge(self, first, second):
            return first[0] + second[0], first[1] + second[1]

    def mean(run):
        count, total = run.reduce(Total())
        return (total / count).astype(np.float32)

    def sound(run, params):
        return run.map(Distance(mean(run)))

    def wrong_shape(run, params):
        return sound(run, params)[:, :-1]

    def gaps(run, params):
        scores = sound(run, params)
        scores[np.nanargmin(scores) // scores.shape[1], np.nanargmin(scores) % scores.shape[1]] = np.nan
        return scores

    class Scribble(Distance):
        def __call__(self, block):
            block.cube[:] -= self.centre
            return (block.core_of(block.cube) ** 2).sum(axis=-1)

    def changes_input(run, params):
        return run.map(Scribble(mean(run)))

    FIRST = []

    def keeps_state(run, params):
        FIRST.append(mean(run))
        return run.map(Distance(FIRST[0]))

    MEANS = {}

    def keeps_state_by_shape(run, params):
        if run.scene.shape not in MEANS:
            MEANS[run.scene.shape] = mean(run)
        return run.map(Distance(MEANS[run.scene.shape]))

    class Running(Distance):
        '''Adapts its centre from block to block.'''

        def __init__(self, centre):
            super().__init__(centre)
            self.last, self.lock = [np.zeros_like(centre)], threading.Lock()

        def __call__(self, block):
            with self.lock:
                scores = super().__call__(block) + ((self.last[0] - self.centre) ** 2).sum()
                self.last[0] = np.nan_to_num(block.cube[0, 0])
            return scores

        def __getstate__(self):
            return {"centre": self.centre}

        def __setstate__(self, state):
            self.__init__(**state)

    def block_order(run, params):
        return run.map(Running(mean(run)), parallel=False)

    class OfBlock(Distance):
        def __call__(self, block):
            cube = block.core_of(block.cube)
            return ((cube - cube[block.core_of(block.valid)].mean(axis=0)) ** 2).sum(axis=-1)

    def block_size(run, params):
        return run.map(OfBlock(None))

    def unseeded(run, params):
        return sound(run, params) * (1 + 0.01 * np.random.default_rng().random(dtype=np.float32))

    def seed_of_hash(run, params):
        rng = np.random.default_rng([abs(hash("planted")), run.seed])
        return sound(run, params) * (1 + 0.01 * rng.random(dtype=np.float32))

    def double(run, params):
        return sound(run, params).astype(np.float64)

    def by_name(run, params):
        return sound(run, params) * (2 if "urban" in run.scene.name else 1)

    def by_path(run, params):
        return sound(run, params) * (2 if "elsewhere" in run.scene.path else 1)

    class Filling(Distance):
        '''Fills invalid pixels in place, as one does before a convolution.'''

        def __call__(self, block):
            block.cube[~block.valid] = 0
            return super().__call__(block)

    def writes_invalid(run, params):
        return run.map(Filling(mean(run)))
"""

# fault -> (rule, the tests of the kit that must say so)
FAULTS = {
    "wrong-shape": "whole-map",
    "gaps": "every-valid-pixel",
    "changes-input": "read-only",
    "keeps-state": "no-memory",
    "keeps-state-by-shape": "no-memory",
    "block-order": "no-seams",
    "block-size": "no-seams",
    "unseeded": "same-seed",
    "seed-of-hash": "same-seed",
    "double": "whole-map",
    "heavy": "light",
    "by-name": "nameless",
    "by-path": "nameless",
    "writes-invalid": "read-only",
}
