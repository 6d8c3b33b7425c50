"""The weights that a method detects with: those given, or those that come with it."""

from __future__ import annotations

from pathlib import Path

from had_cli.errors import UsageError, WeightsError
from had_cli.plugin.descriptions import Method
from had_cli.weights.file import Weights
from had_cli.weights.models import default_model, find_weights


def weights_for(method: Method, weights: str | Path | Weights | None) -> Weights | None:
    """Return the weights that ``method`` detects with, or None where it uses none.

    Parameters
    ----------
    weights
        A file, a name (:func:`had_cli.weights.models.find_weights`), or loaded already; None takes those
        that come with a method which needs some.

    Raises
    ------
    UsageError
        When some are given to a method that uses none.
    WeightsError
        When they are missing, damaged, or of another method.
    """
    if weights is None:
        model = default_model(method)
        if model is None and method.weights == "required":
            raise WeightsError(
                f"{method.name} needs trained weights: give --weights FILE, or train them by `had train`"
            )
        return None if model is None else model.load(method.name)
    if method.weights == "none":
        raise UsageError(f"{method.name} uses no weights; leave --weights out")
    if isinstance(weights, str | Path):
        return find_weights(weights).load(method.name)
    if weights.method != method.name:
        raise WeightsError(f"these are weights of {weights.method}, not of {method.name}")
    return weights
