"""Weights that come with the method, the default first; `had plugins bundle` writes this file."""

from had_cli.plugin import BundledWeights

BUNDLED: tuple[BundledWeights, ...] = (
    BundledWeights(
        name="ferd-200",
        file="had_ferd.bundled:ferd-200.safetensors",
        sha256="1242f00b8362fc6ac7e551c472b4b1e613519718aebe7565bfca8c30220f4f60",
        good=(
            "Scenes of AVIRIS, ROSIS or HYDICE of about 200 bands: left out in turn, a mean "
            "AUC of 0.978 over eight scenes."
        ),
        poor=(
            "Scenes that GRX separates well already (hydice: 0.01 to 0.03 below it), and "
            "sandiego, where training loses to no training; bands are matched by index."
        ),
    ),
)
