"""The dual-window local RX detector, as a plugin of ``had``."""

from had_cli.plugin import Method, Param, hookimpl


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``lrx``."""
    return [
        Method(
            name="lrx",
            summary="Dual-window local RX: Mahalanobis distance from a pixel's own surroundings",
            paper="Reed & Yu, IEEE Trans. ASSP 38(10), 1990, doi 10.1109/29.60107",
            detect="had_lrx.detector:detect",
            double_precision=True,
            params=(
                Param(
                    name="inner",
                    type=int,
                    default=5,
                    minimum=1,
                    help="Side of the guard window in pixels, odd; it keeps objects out of their background.",
                ),
                Param(
                    name="outer",
                    type=int,
                    default=11,
                    minimum=3,
                    help="Side of the background window in pixels, odd and larger than --inner.",
                ),
                Param(
                    name="ridge",
                    type=float,
                    default=0.0,
                    minimum=0,
                    help="Part of a window's mean variance that is added to every direction; "
                    "0: pseudo-inverse, where a window has too few pixels.",
                ),
            ),
        )
    ]
