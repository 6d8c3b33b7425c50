"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.plugin import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = (
    BundledWeights(
        name="tdd-200",
        file="had_tdd.bundled:tdd-200.safetensors",
        sha256="293f6dfdacb7f68f141c0a9f97610d3bbb11f60fe9252ef2a53c629afee3b3a1",
    ),
)
