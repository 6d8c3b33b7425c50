"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.plugin import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = (
    BundledWeights(
        name="ferd-200",
        file="had_ferd.bundled:ferd-200.safetensors",
        sha256="1242f00b8362fc6ac7e551c472b4b1e613519718aebe7565bfca8c30220f4f60",
    ),
)
