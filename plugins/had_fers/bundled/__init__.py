"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.plugin import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = (
    BundledWeights(
        name="fers-200",
        file="had_fers.bundled:fers-200.safetensors",
        sha256="d296c11f3f966fec9f610394b43313053ea1d5b0709800852a01d71d1c4331ad",
        good=(
            "The same scenes as ferd-200: left out in turn, a mean AUC of 0.979 over eight "
            "scenes, no more than chance above ferd."
        ),
        poor=(
            "Where ferd is worse than GRX, so is it; product and autoencoder are worse than "
            "the sum; bands are matched by index."
        ),
    ),
)
