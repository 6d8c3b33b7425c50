"""FERS, a spatial student that complements FERD's spectral feature, as a plugin of ``had``."""

from pathlib import Path

from had_cli.plugin import Method, Param, hookimpl
from had_fers.bundled import BUNDLED


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``fers``."""
    return [
        Method(
            name="fers",
            summary="A spatial network complements FERD's feature, then GRX or SLRX scores",
            paper="Jin, Tang, Li & Guo, arXiv 2510.18781",
            detect="had_fers.detector:detect",
            train="had_fers.trainer:train",
            importer="had_fers.importer:import_weights",
            weights="required",
            bundled=BUNDLED,
            double_precision=True,
            background=True,
            params=(
                Param(
                    name="fusion",
                    type=str,
                    default="auto",
                    choices=("auto", "sum", "product"),
                    help="Score the cube with both features added, or multiply the scores of the cube with "
                    "each; auto takes product for networks of up to 50 bands scored by grx, as published.",
                ),
                Param(
                    name="scoring",
                    type=str,
                    default="auto",
                    choices=("auto", "grx", "slrx", "ae"),
                    help="What scores the fused cube: ae is an autoencoder trained on the scene, auto what "
                    "the weights say they were made for; grx where they say nothing (as published) or "
                    "background is chosen.",
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
                    name="tile_size",
                    type=int,
                    default=256,
                    minimum=32,
                    maximum=256,
                    help="Greatest side of the tiles that the spatial network sees of an axis of more than "
                    "256 pixels; shorter ones are taken whole.",
                ),
                Param(
                    name="precision",
                    type=str,
                    default="float32",
                    choices=("float32", "float16", "bfloat16"),
                    help="What FERD's encoder computes in; float16 and bfloat16 are faster on recent "
                    "hardware and cost accuracy, bfloat16 more.",
                ),
            ),
            train_params=(
                Param(
                    name="teacher",
                    type=Path,
                    default=None,
                    help="Weights of ferd to take as they are, a file or a name; default: train ferd first.",
                ),
                Param(
                    name="teacher_epochs",
                    type=int,
                    default=None,
                    minimum=0,
                    maximum=1_000_000,
                    help="Most passes over the patches in the training of ferd; default: as in had train -m "
                    "ferd.",
                ),
                Param(
                    name="teacher_backbone",
                    type=str,
                    default="imagenet",
                    help="With ferd trained first, its --backbone: imagenet, random, or a file.",
                ),
                Param(
                    name="backbone",
                    type=str,
                    default="imagenet",
                    help="The frozen ResNet-34 of the spatial network: imagenet (the public PyTorch file, "
                    "downloaded once), random (drawn by --seed), or the path of a PyTorch state dict.",
                ),
                Param(
                    name="backbone_statistics",
                    type=str,
                    default="update",
                    choices=("update", "keep"),
                    help="Whether the training moves the batch-norm statistics of the frozen ResNet to those "
                    "of its patches, as released, or keeps them.",
                ),
                Param(
                    name="epochs",
                    type=int,
                    default=60,
                    minimum=0,
                    maximum=1_000_000,
                    help="Most passes over the patches in the training of the student; 0 leaves it as drawn.",
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
                    help="Of Adam in the training of the student, as published.",
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
                    help="Bands of the networks, matched by index; default: those of --teacher, or of the "
                    "first scene, by wavelength where scenes know it.",
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
