"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.descriptions import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = ()
