"""What scores an enhanced cube: what the user names, else what the weights say they were made for."""

from __future__ import annotations

from typing import Any

from had_cli.plugin import Run, UsageError, Weights, WeightsError

KEY = "scoring"  # field of the header of weights
PUBLISHED = "grx"  # of weights that say nothing
TRAINED = "slrx"  # of weights trained by had: better with all three seeds measured (docs/methods/ferd.md)


def scoring_of(run: Run, params: Any) -> str:
    """Return ``grx``, ``slrx`` or another scoring that ``params`` name, and record it.

    ``auto`` is what the weights say. Where the user chose background it is ``grx``, with a warning where
    the weights say otherwise: SLRX compares a pixel with its surroundings, and takes no statistics from
    elsewhere.

    Raises
    ------
    UsageError
        When background is chosen for a scoring named that has no use for it, or a size of blocks for one
        that has no blocks.
    WeightsError
        When the weights name a scoring that this version does not know.
    """
    scoring: str = params.scoring
    if scoring not in {"auto", PUBLISHED} and run.scene.background is not None:
        raise UsageError(
            f"--background: --scoring {scoring} takes no statistics from chosen pixels; leave it out"
        )
    if scoring == "auto":
        scoring = said_by(run.weights)
        if scoring != PUBLISHED and run.scene.background is not None:
            run.warn(
                f"--background: grx scores, because {scoring}, for which these weights were made, takes no "
                "statistics from chosen pixels"
            )
            scoring = PUBLISHED
    if params.block_size is not None and scoring != "slrx":
        raise UsageError(f"--block-size is of --scoring slrx, and {scoring} scores here; leave it out")
    run.record(scoring=scoring)
    return scoring


def said_by(weights: Weights) -> str:
    """Return what weights say they are best scored by.

    Raises
    ------
    WeightsError
        When that is neither ``grx`` nor ``slrx``.
    """
    said = weights.header.get(KEY, PUBLISHED)
    if said not in {PUBLISHED, TRAINED}:
        raise WeightsError(
            f"--weights: these are to be scored by {said!r}, which this version of had does not know; "
            "update had, or name a --scoring"
        )
    return str(said)
