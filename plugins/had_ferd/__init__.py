"""FERD, a feature enhancement network before GRX or SLRX, as a plugin of ``had``."""

from had_cli.descriptions import Method, Param
from had_cli.hooks import hookimpl


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``ferd``."""
    return [
        Method(
            name="ferd",
            summary="A network adds the background feature of each pixel, then GRX or SLRX scores",
            paper="Jin, Dang & Zhu, IEEE GRSL 2024, doi 10.1109/LGRS.2024.3456178",
            detect="had_ferd.detector:detect",
            importer="had_ferd.importer:import_weights",
            weights="required",
            double_precision=True,
            params=(
                Param(
                    name="scoring",
                    type=str,
                    default="grx",
                    choices=("grx", "slrx"),
                    help="What scores the enhanced cube.",
                ),
                Param(
                    name="block_size",
                    type=int,
                    default=None,
                    minimum=2,
                    help="With --scoring slrx, side of a block in pixels; default: max(2, bands // 25) with "
                    "the bands of the network.",
                ),
                Param(
                    name="precision",
                    type=str,
                    default="float32",
                    choices=("float32", "float16", "bfloat16"),
                    help="What the encoder computes in; float16 and bfloat16 are faster on recent hardware "
                    "and cost accuracy, bfloat16 more.",
                ),
            ),
        )
    ]
