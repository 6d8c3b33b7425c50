"""Settings of a training: the published ones, and ours, each option by itself to be changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from had_cli.plugin import UsageError
from had_tdd.normalising import WHITEN

MAPS, DEPENDABLE, PUBLISHED = "maps", "dependable", "published"
OVER_MAPS: dict[str, Any] = {"epochs": 15, "patches": 200, "batch_size": 4, "decoder_rate": 0.003}
RECIPES: dict[str, dict[str, Any]] = {
    DEPENDABLE: {
        "width": 0.25,
        "attention": "exact",
        "normalise": "whiten",
        "components": 24,
        "simulation": "mixed",
        "patch": 40,
        "stride": 20,
        "min_size": 1,
        "max_size": 9,
        "min_strength": 8.0,
        "max_strength": 80.0,
        "spare": 2.0,
        "prior": True,
        "input_size": 80,
        "epochs": 6,
        "patches": 128,
        "batch_size": 4,
        "encoder_rate": 0.0003,
        "decoder_rate": 0.001,
        "weight_decay": 0.0005,
        "clip": 100.0,
        "warm_up": 50,
        "schedule": "cosine",
        "average": 0.99,
        "fresh_optimiser": False,
        "augment": True,
        "hold_out": 0,
    },
    PUBLISHED: {
        "width": 1.0,
        "attention": "released",
        "normalise": "max",
        "components": 24,
        "simulation": "shuffle",
        "patch": 10,
        "stride": 5,
        "min_size": 5,
        "max_size": 7,
        "min_strength": 8.0,
        "max_strength": 80.0,
        "spare": 0.0,
        "prior": False,
        "input_size": 224,
        "epochs": 200,
        "patches": None,
        "batch_size": 1,
        "encoder_rate": 0.001,
        "decoder_rate": 0.01,
        "weight_decay": 0.0005,
        "clip": 100.0,
        "warm_up": 0,
        "schedule": "constant",
        "average": 0.0,
        "fresh_optimiser": True,
        "augment": False,
        "hold_out": 0,
    },
}


def settled(params: Any) -> SimpleNamespace:
    """Return all parameters of a training, those not given from the recipe.

    Raises
    ------
    UsageError
        When two of them contradict each other, or one is given that the recipe has no use for.
    """
    values = vars(params)
    if values["recipe"] == MAPS:
        return _over_maps(values)
    recipe = RECIPES[values["recipe"]]
    settled = SimpleNamespace(**{k: recipe.get(k) if v is None else v for k, v in values.items()})
    if values["prior"] is None and settled.normalise != WHITEN:
        settled.prior = False
    if settled.prior and settled.normalise != WHITEN:
        raise UsageError("--prior begins from whitened components; give --normalise whiten, or --no-prior")
    if settled.min_strength > settled.max_strength:
        raise UsageError(
            f"--min-strength {settled.min_strength:g} is more than --max-strength {settled.max_strength:g}; "
            "exchange them"
        )
    if settled.input_size % 8:
        nearest = max(32, round(settled.input_size / 8) * 8)
        raise UsageError(
            f"--input-size takes a multiple of 8, not {settled.input_size}; the nearest is {nearest}"
        )
    if settled.min_size > settled.max_size:
        raise UsageError(
            f"--min-size {settled.min_size} is more than --max-size {settled.max_size}; exchange them"
        )
    if settled.max_size > settled.patch:
        raise UsageError(
            f"--max-size {settled.max_size} does not fit into --patch {settled.patch}; give a larger patch"
        )
    return settled


def _over_maps(values: dict[str, Any]) -> SimpleNamespace:
    """Return the parameters that a network over maps has."""
    for name, value in values.items():
        kept = name in {*OVER_MAPS, "recipe"} or (name, value) == ("store", "float32")
        if value is not None and not kept:
            option = ("--no-" if value is False else "--") + name.replace("_", "-")
            raise UsageError(
                f"{option} is not for --recipe maps; leave it out, or give --recipe dependable or published"
            )
    given = {name: default if values[name] is None else values[name] for name, default in OVER_MAPS.items()}
    return SimpleNamespace(recipe=MAPS, **given)
