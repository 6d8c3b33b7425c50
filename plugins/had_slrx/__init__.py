"""SLRX, the simplified local RX detector, as a plugin of ``had``."""

from had_cli.plugin import Method, Param, hookimpl


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``slrx``."""
    return [
        Method(
            name="slrx",
            summary="Simplified local RX: distances from block, surroundings and scene, multiplied",
            paper="Jin, Dang & Zhu, IEEE GRSL 2024, doi 10.1109/LGRS.2024.3456178",
            detect="had_slrx.detector:detect",
            double_precision=True,
            offset_invariant="scene",
            params=(
                Param(
                    name="block_size",
                    type=int,
                    default=None,
                    minimum=2,
                    maximum=100_000,
                    help="Side of a block in pixels; default: max(2, bands // 25), as published.",
                ),
            ),
        )
    ]
