"""NL2Net, self-supervised reconstruction of the background, as a plugin of ``had``."""

import dataclasses
from pathlib import Path

from had_cli.plugin import Method, Param, hookimpl

COMPONENTS, CUBE = "components", "cube"
_LEARNING = (
    Param(
        name="input",
        type=str,
        default=COMPONENTS,
        choices=(COMPONENTS, CUBE),
        help="What the network rebuilds: the leading principal components of the scene, each with unit "
        "variance; or the cube scaled to [0, 1], as published.",
    ),
    Param(
        name="components",
        type=int,
        default=24,
        minimum=1,
        maximum=1024,
        help="Components, with --input components; fewer where the scene varies in fewer.",
    ),
    Param(
        name="factor",
        type=int,
        default=3,
        minimum=1,
        maximum=16,
        help="Down-sampling: neighbours that the network sees are so many pixels apart. Anomalies much "
        "wider than the factor need a larger one.",
    ),
    Param(
        name="epochs",
        type=int,
        default=None,
        minimum=1,
        maximum=1_000_000,
        help="Steps of the training, at most; without it, a million over the pixels of the scene or of a "
        "crop, but 40 to 100.",
    ),
    Param(name="learning_rate", type=float, default=2e-3, minimum=1e-8, maximum=1, help="Rate of Adam."),
    Param(
        name="loss",
        type=str,
        default="l1",
        choices=("l1", "l2"),
        help="Mean absolute or mean squared difference between cube and background.",
    ),
    Param(
        name="weight_decay", type=float, default=1e-5, minimum=0, maximum=1, help="L2 penalty within Adam."
    ),
    Param(
        name="start",
        type=str,
        default="mean",
        choices=("mean", "random"),
        help="First background: the mean spectrum of the scene, which the training would otherwise spend "
        "most of its steps on; or what random weights give, as published.",
    ),
    Param(name="channels", type=int, default=32, minimum=2, maximum=1024, help="Width of both branches."),
    Param(name="blocks", type=int, default=6, minimum=1, maximum=64, help="Blocks in each of both branches."),
    Param(
        name="patience",
        type=int,
        default=0,
        minimum=0,
        maximum=1_000_000,
        help="Stop after so many epochs in which the loss (a mean of ten) fell by less than a thousandth; "
        "0 runs all epochs.",
    ),
    Param(
        name="tile_size",
        type=int,
        default=256,
        minimum=48,
        maximum=8192,
        help="A scene of more than the square of this is learned in random crops of this side, and rebuilt "
        "in tiles of it; smaller ones are taken whole.",
    ),
)
_PRECISION = Param(
    name="precision",
    type=str,
    default="auto",
    choices=("auto", "float32", "bfloat16"),
    help="Arithmetic of the network; auto takes bfloat16 where the processor computes in it.",
)
_LOG = Param(
    name="log_file",
    type=Path,
    default=None,
    writes=True,
    help="File for the loss of every epoch: JSON lines, or CSV where the name ends in .csv.",
)


def _of_the_weights(param: Param) -> Param:
    """Return a parameter of detect: with trained weights it is theirs, and not to be given."""
    default = "" if param.default is None else f" Default: {param.default}."
    text = f"{param.help} Not with --weights.{default}"
    return dataclasses.replace(param, default=None, help=text)


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``nl2net``."""
    return [
        Method(
            name="nl2net",
            summary="Rebuilds each pixel from its surroundings by a network trained on the scene itself",
            paper="Wang et al., IEEE JSTARS 2025, doi 10.1109/JSTARS.2025.3542457",
            detect="had_nl2net.detector:detect",
            train="had_nl2net.trainer:train",
            importer="had_nl2net.released:import_weights",
            weights="optional",
            params=(
                *map(_of_the_weights, _LEARNING),
                _PRECISION,
                Param(
                    name="save_background",
                    type=Path,
                    writes=True,
                    default=None,
                    help="Raster for the rebuilt cube of one scene, in its units and its type.",
                ),
                _LOG,
            ),
            train_params=(
                *_LEARNING,
                _PRECISION,
                Param(
                    name="checkpoint_every",
                    type=int,
                    default=50,
                    minimum=1,
                    maximum=1_000_000,
                    help="Epochs between two saved states, with --checkpoint.",
                ),
            ),
        )
    ]


DEFAULTS = {param.name: param.default for param in _LEARNING}
