"""GRX, the global Reed-Xiaoli detector, as a plugin of ``had``."""

from had_cli.plugin import Method, Param, hookimpl


@hookimpl
def had_methods() -> list[Method]:
    """Offer ``grx``."""
    return [
        Method(
            name="grx",
            summary="Global Reed-Xiaoli detector: Mahalanobis distance from the scene's mean",
            paper="Reed & Yu, IEEE Trans. ASSP 38(10), 1990, doi 10.1109/29.60107",
            detect="had_grx.detector:detect",
            double_precision=True,
            offset_invariant="bands",
            chi_square=True,
            background=True,
            params=(
                Param(
                    name="shrinkage",
                    type=str,
                    default="none",
                    choices=("none", "fixed", "ledoit-wolf", "oas"),
                    help="Draw the covariance towards a multiple of the identity: by --shrinkage-weight, or "
                    "by the Ledoit-Wolf or OAS estimate of the best weight.",
                ),
                Param(
                    name="shrinkage_weight",
                    type=float,
                    default=1e-3,
                    minimum=0,
                    maximum=1,
                    help="Weight of the identity with --shrinkage fixed: (1 - w) S + w trace(S)/B I.",
                ),
                Param(
                    name="components",
                    type=int,
                    default=None,
                    minimum=1,
                    maximum=65_535,
                    help="Score in the leading principal components only; default: all.",
                ),
                Param(
                    name="algorithm",
                    type=str,
                    default="rxd",
                    choices=("rxd", "utd", "rxd-utd"),
                    help="What is matched: rxd the pixel itself (Reed-Xiaoli), utd a spectrum of ones "
                    "(Uniform Target Detector), rxd-utd their difference; the last two as in ENVI.",
                ),
            ),
        )
    ]
