"""FERD, a feature enhancement network before GRX or SLRX, as a plugin of ``had``."""

from had_cli.plugin import Method, Param, hookimpl
from had_ferd.bundled import BUNDLED


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``ferd``."""
    return [
        Method(
            name="ferd",
            summary="A network adds the background feature of each pixel, then GRX or SLRX scores",
            paper="Jin, Dang & Zhu, IEEE GRSL 2024, doi 10.1109/LGRS.2024.3456178",
            detect="had_ferd.detector:detect",
            train="had_ferd.trainer:train",
            importer="had_ferd.importer:import_weights",
            exporter="had_ferd.exporter:export_network",
            weights="required",
            bundled=BUNDLED,
            double_precision=True,
            background=True,
            params=(
                Param(
                    name="scoring",
                    type=str,
                    default="auto",
                    choices=("auto", "grx", "slrx"),
                    help="What scores the enhanced cube; auto is what the weights say they were made for, "
                    "grx where they say nothing (as published) or background is chosen.",
                ),
                Param(
                    name="block_size",
                    type=int,
                    default=None,
                    minimum=2,
                    maximum=100_000,
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
            train_params=(
                Param(
                    name="backbone",
                    type=str,
                    default="imagenet",
                    help="The frozen teacher, a wide_resnet101_2: imagenet (the public PyTorch file, "
                    "downloaded once), random (drawn by --seed), or the path of a PyTorch state dict.",
                ),
                Param(
                    name="epochs",
                    type=int,
                    default=60,
                    minimum=0,
                    maximum=1_000_000,
                    help="Most passes over the patches; 0 gives the untrained network.",
                ),
                Param(
                    name="batch_size",
                    type=int,
                    default=16,
                    minimum=1,
                    maximum=65_536,
                    help="Patches in one step.",
                ),
                Param(
                    name="patches",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=10_000_000,
                    help="Patches of 64 x 64 pixels in an epoch; default: as many as cover the scenes once.",
                ),
                Param(
                    name="learning_rate",
                    type=float,
                    default=0.005,
                    minimum=1e-8,
                    maximum=1,
                    help="Of Adam, as published.",
                ),
                Param(
                    name="patience",
                    type=int,
                    default=10,
                    minimum=1,
                    maximum=1_000_000,
                    help="Stop after so many epochs without a lower loss on patches held out.",
                ),
                Param(name="augment", type=bool, default=True, help="Turn and mirror patches at random."),
                Param(
                    name="network_bands",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=65_535,
                    help="Bands of the network, matched by index; default: those of the first scene, by "
                    "wavelength where scenes know it.",
                ),
                Param(
                    name="precision",
                    type=str,
                    default="float32",
                    choices=("float32", "bfloat16"),
                    help="What the networks compute in; bfloat16 is faster on recent hardware.",
                ),
            ),
        )
    ]
