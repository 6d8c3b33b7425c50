"""Declares a second grx, and a method of its own that is none the worse for it."""

from had_cli.plugin import Method, hookimpl


@hookimpl
def had_methods():
    """Return one name that is taken and one that is free."""
    return [
        Method(name="grx", summary="Not the grx you know", paper="none", detect="had_bad_name:detect"),
        Method(name="zero", summary="Zero everywhere", paper="none", detect="had_bad_name:detect"),
    ]


def detect(run, params):
    """Return zeros."""
    import numpy as np

    return np.zeros(run.scene.shape[:2], np.float32)
