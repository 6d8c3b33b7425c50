"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.plugin import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = (
    BundledWeights(
        name="tdd-maps",
        file="had_tdd.bundled:tdd-maps.safetensors",
        sha256="b7463353c33e3496b55c09b721b2841ae06bc3aefae71f05b766d94162e8237d",
        good=(
            "Small things in scenes of any sensor and any bands: a mean AUC of 0.990 over "
            "eight scenes, none of which was trained on (0.987 over three seeds)."
        ),
        poor=(
            "It is not above ssf, which needs no training; the seed moves the mean by 0.004; "
            "things of more than some ten pixels across were not taught."
        ),
    ),
    BundledWeights(
        name="tdd-200",
        file="had_tdd.bundled:tdd-200.safetensors",
        sha256="9aa938816c429fdaac8f99457a6d4404e1924d4fe135f3f593ce4ee1dbcf04ab",
        good=(
            "Compact things of 1 to 9 pixels: left out in turn, a mean AUC of 0.980 over "
            "eight scenes, as much as untrained."
        ),
        poor=(
            "Training adds nothing to its start; much larger things may be taken for "
            "background; scenes of few pixels have poor components."
        ),
    ),
)
