"""TDD, a segmentation network trained on simulated anomalies, as a plugin of ``had``."""

from had_cli.plugin import Method, Param, hookimpl
from had_tdd.bundled import BUNDLED

_OWN = "Default: by --recipe"
_TILES = (
    Param(
        name="patch",
        type=int,
        default=None,
        minimum=2,
        maximum=1024,
        help="Side in pixels of what is kept of a tile; default: tiles as large as in training.",
    ),
    Param(
        name="pad",
        type=int,
        default=None,
        minimum=0,
        maximum=1024,
        help="Pixels around it that the network sees as well; default: half of the patch.",
    ),
    Param(
        name="tile_metres",
        type=float,
        default=None,
        minimum=0.01,
        maximum=1e6,
        help="Side of a tile on the ground, patch and pads together, in the place of both; for scenes that "
        "know their ground sampling distance.",
    ),
    Param(
        name="blend",
        type=bool,
        default=True,
        help="Blend neighbouring tiles where they overlap; without, their centres are set side by side, as "
        "published.",
    ),
    Param(
        name="large_tiles",
        type=bool,
        default=True,
        help="Enlarge and compute the scene in pieces of some 200 pixels, in which each pixel sees what a "
        "tile would show it; without, tile by tile, at about four times the work. Weights with the released "
        "attention, and --no-blend, go tile by tile.",
    ),
    Param(
        name="suppress_bright",
        type=bool,
        default=False,
        help="Divide each score by the pixel's greatest value over the bands, after those are divided by "
        "their maxima.",
    ),
    Param(
        name="tile_batch",
        type=int,
        default=4,
        minimum=1,
        maximum=1024,
        help="Tiles that go through the network at once; more are faster on a GPU and take more memory.",
    ),
)


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``tdd``."""
    return [
        Method(
            name="tdd",
            summary="A segmentation network, trained once on simulated anomalies, maps any scene directly",
            paper="Li et al., IEEE TGRS 2024, doi 10.1109/TGRS.2024.3392189",
            detect="had_tdd.detector:detect",
            train="had_tdd.trainer:train",
            importer="had_tdd.released:import_weights",
            weights="required",
            continues=True,
            bundled=BUNDLED,
            params=_TILES,
            train_params=(
                Param(
                    name="recipe",
                    type=str,
                    default="maps",
                    choices=("maps", "dependable", "published"),
                    help="A small network over maps that are made without training; or the published network "
                    "over tiles, with settings of ours, or with those published for HYDICE.",
                ),
                Param(
                    name="width",
                    type=float,
                    default=None,
                    minimum=0.03,
                    maximum=4,
                    help=f"Scales all channel counts; 1 is the published network. {_OWN}, 0.25 or 1.",
                ),
                Param(
                    name="attention",
                    type=str,
                    default=None,
                    choices=("exact", "released"),
                    help="Form of the local attention: a sum over 49 neighbours, or what the released "
                    f"system computes. {_OWN}, exact or released.",
                ),
                Param(
                    name="normalise",
                    type=str,
                    default=None,
                    choices=("whiten", "max"),
                    help="What the network sees: principal components of the scene with unit variance, or "
                    f"bands divided by their maximum. {_OWN}, whiten or max.",
                ),
                Param(
                    name="components",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=1024,
                    help="Components that --normalise whiten keeps; default: 24.",
                ),
                Param(
                    name="network_bands",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=65_535,
                    help="Bands that spectra are resampled to, matched by index; default: those of the first "
                    "scene, by wavelength where scenes know it.",
                ),
                Param(
                    name="simulation",
                    type=str,
                    default=None,
                    choices=("mixed", "shuffle", "gaussian", "uniform"),
                    help="Anomalies of many kinds, sizes and strengths; or one rectangle with permuted bands "
                    f"or noise. {_OWN}, mixed or shuffle.",
                ),
                Param(
                    name="min_size",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=512,
                    help=f"Least side of an anomaly in pixels. {_OWN}, 1 or 5.",
                ),
                Param(
                    name="max_size",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=512,
                    help=f"Greatest side of an anomaly in pixels. {_OWN}, 9 or 7.",
                ),
                Param(
                    name="min_strength",
                    type=float,
                    default=None,
                    minimum=0.01,
                    help="With --simulation mixed, least distance of an anomaly from what it covers, in "
                    "standard deviations of the background; default: 8.",
                ),
                Param(
                    name="max_strength",
                    type=float,
                    default=None,
                    minimum=0.01,
                    help="Greatest such distance; small and large ones are drawn equally often on a "
                    "logarithmic scale. Default: 80.",
                ),
                Param(
                    name="spare",
                    type=float,
                    default=None,
                    minimum=0,
                    maximum=50,
                    help="With --simulation mixed, percentage of a scene's pixels, those farthest from its "
                    "background, that are not taught as background: they may be anomalies. "
                    f"{_OWN}, 2 or 0.",
                ),
                Param(
                    name="prior",
                    type=bool,
                    default=None,
                    help="With --normalise whiten, add the Mahalanobis distance to the outputs, so that the "
                    f"network learns what to change in it. {_OWN}: yes, or no.",
                ),
                Param(
                    name="patch",
                    type=int,
                    default=None,
                    minimum=4,
                    maximum=1024,
                    help=f"Side of a training patch in pixels. {_OWN}, 40 or 10.",
                ),
                Param(
                    name="stride",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=1024,
                    help=f"Pixels between two patches. {_OWN}, 20 or 5.",
                ),
                Param(
                    name="input_size",
                    type=int,
                    default=None,
                    minimum=32,
                    maximum=2048,
                    help=f"Side that patches are resized to, a multiple of 8. {_OWN}, 80 or 224.",
                ),
                Param(
                    name="epochs",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=1_000_000,
                    help=f"Passes over the patches. {_OWN}, 6 or 200.",
                ),
                Param(
                    name="patches",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=10_000_000,
                    help=f"Patches in an epoch. {_OWN}, 128 or as many as --patch and --stride give.",
                ),
                Param(
                    name="batch_size",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=65_536,
                    help=f"Patches in one step. {_OWN}, 4 or 1.",
                ),
                Param(
                    name="encoder_rate",
                    type=float,
                    default=None,
                    minimum=1e-8,
                    maximum=1,
                    help=f"Learning rate of the encoder. {_OWN}, 0.0003 or 0.001.",
                ),
                Param(
                    name="decoder_rate",
                    type=float,
                    default=None,
                    minimum=1e-8,
                    maximum=1,
                    help=f"Learning rate of the decoder. {_OWN}, 0.001 or 0.01.",
                ),
                Param(
                    name="weight_decay",
                    type=float,
                    default=None,
                    minimum=0,
                    maximum=1,
                    help="L2 penalty within Adam; default: 0.0005.",
                ),
                Param(
                    name="clip",
                    type=float,
                    default=None,
                    minimum=1e-6,
                    help="Greatest norm of the gradient; default: 100.",
                ),
                Param(
                    name="warm_up",
                    type=int,
                    default=None,
                    minimum=0,
                    maximum=100_000_000,
                    help=f"Steps in which the rates rise from zero. {_OWN}, 50 or 0.",
                ),
                Param(
                    name="schedule",
                    type=str,
                    default=None,
                    choices=("cosine", "constant"),
                    help=f"Whether rates fall to zero until the last step. {_OWN}, cosine or constant.",
                ),
                Param(
                    name="average",
                    type=float,
                    default=None,
                    minimum=0,
                    maximum=0.9999,
                    help="Decay per step of the running mean of the network, which is what is kept; 0 keeps "
                    f"the network itself. {_OWN}, 0.99 or 0.",
                ),
                Param(
                    name="fresh_optimiser",
                    type=bool,
                    default=None,
                    help=f"Begin every epoch with a new optimiser. {_OWN}: no, or yes.",
                ),
                Param(
                    name="augment",
                    type=bool,
                    default=None,
                    help=f"Vary scale, brightness and bands of patches at random. {_OWN}: yes, or no.",
                ),
                Param(
                    name="hold_out",
                    type=int,
                    default=None,
                    minimum=0,
                    maximum=100_000,
                    help="Scenes held out of training; the epoch with the least loss on anomalies simulated "
                    "in them is kept. Default: 0, the last epoch is kept.",
                ),
                Param(
                    name="store",
                    type=str,
                    default="float32",
                    choices=("float32", "float16"),
                    help="Type of the numbers in the weights file; float16 halves it.",
                ),
            ),
        )
    ]
