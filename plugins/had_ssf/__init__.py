"""SSF, spatial-spectral fusion, as a plugin of ``had``."""

from pathlib import Path

from had_cli.plugin import Method, Param, hookimpl


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``ssf``."""
    return [
        Method(
            name="ssf",
            summary="Small things of a colour of their own: three maps without training, added as log-ranks",
            paper="the had developers: spatial-spectral fusion, defined in docs/methods/ssf.md",
            detect="had_ssf.detector:detect",
            double_precision=True,
            offset_invariant="scene",
            params=(
                Param(
                    name="wide",
                    type=bool,
                    default=True,
                    help="Look for targets of some hundred pixels too, in scenes of 4500 pixels or more.",
                ),
                Param(
                    name="save_parts",
                    type=Path,
                    default=None,
                    writes=True,
                    help="Raster for the maps of one scene that the score is made of: th, rcf, near, wide.",
                ),
            ),
        )
    ]
