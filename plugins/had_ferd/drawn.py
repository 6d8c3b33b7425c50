"""Frozen random tensors: a weights file keeps the seed that draws them, and a probe of what was drawn.

A frozen encoder of random weights is nothing but its seed, and may be a hundred times the size of what
was trained. It is drawn again when it is used. The probe (one number of each tensor) tells whether
this machine draws the same; that is asked within rounding, because the normal numbers of torch differ
in their last bit from one kind of processor to another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from had_cli.plugin import WeightsError

TOLERANCE = 1e-5  # relative; another stream of numbers differs in the first digit

Draw = Callable[[int], Mapping[str, Tensor]]  # from a seed to tensors by name


def leave_out(
    tensors: Mapping[str, Tensor], backbone: Mapping[str, Any], draw: Draw
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors to store and the facts of the backbone, for the header.

    Left out are the tensors that ``draw`` gives for the seed of a random ``backbone``. They stay
    where any of them is another.
    """
    if backbone.get("kind") != "random":
        return dict(tensors), dict(backbone)
    drawn = draw(backbone["seed"])
    if not all(torch.equal(tensors[name], tensor) for name, tensor in drawn.items()):
        return dict(tensors), dict(backbone)
    kept = {name: tensor for name, tensor in tensors.items() if name not in drawn}
    return kept, {**backbone, "probe": _probe(drawn)}


def put_back(tensors: Mapping[str, Any], backbone: Any, draw: Draw) -> dict[str, Any]:
    """Return the tensors with those that were left out drawn again.

    Raises
    ------
    WeightsError
        When the header is damaged, or torch draws other numbers here than when the file was made.
    """
    if not isinstance(backbone, Mapping) or "probe" not in backbone:
        return dict(tensors)
    seed, probe = backbone.get("seed"), backbone["probe"]
    if not isinstance(seed, int) or not isinstance(probe, list):
        raise WeightsError("the header of these weights names no seed and probe of its random backbone")
    drawn = draw(seed)
    found = _probe(drawn)
    if len(found) != len(probe) or any(
        not math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=1e-12) for a, b in zip(found, probe, strict=True)
    ):
        raise WeightsError(
            "the random backbone of these weights cannot be drawn again: this version of torch "
            f"({torch.__version__}) makes other numbers of the seed; use the version in the header"
        )
    return {**drawn, **tensors}


def _probe(drawn: Mapping[str, Tensor]) -> list[float]:
    """Return the last number of every tensor, in the order of their names."""
    return [float(tensor.reshape(-1)[-1]) for _, tensor in sorted(drawn.items())]
