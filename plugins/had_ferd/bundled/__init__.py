"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.plugin import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = (
    BundledWeights(
        name="ferd-200",
        file="had_ferd.bundled:ferd-200.safetensors",
        sha256="9478b1358ecdfbd1e75c53f4ce04a50be608d746147973bd094b3c6f8ac8a610",
        good=(
            "Scenes of about 200 bands, of any sensor: a mean AUC of 0.985 over eight public "
            "scenes, none of which it has seen."
        ),
        poor=(
            "Scenes that GRX separates well already (hydice: 0.01 below it); things as wide as "
            "several blocks of 8 x 8 pixels; bands are matched by index."
        ),
    ),
)
