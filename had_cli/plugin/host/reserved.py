"""Names that a method's parameters may not take, because ``had`` itself uses them."""

from __future__ import annotations

from had_cli.plugin.descriptions import Method

# the options of `had detect` and `had train` and the arguments of the functions behind them
RESERVED = frozenset(
    {"background", "background_exclude", "jobs", "recursive", "summary"}
    | {"bands", "checkpoint", "debug", "device", "engine", "exclude_bands", "help", "json", "mask", "memory"}
    | {"log_json", "mask_out", "method", "min_pixels", "ortho", "out", "output", "overwrite", "progress"}
    | {"quality", "quiet", "resume"}
    | {"scene", "scenes", "scheduler", "seed", "threshold", "truth", "truth_variable", "variable", "vector"}
    | {"verbose", "version", "warn", "weights", "window", "workers", "memory_limit"}
)
RESERVED_IN_TRAINING = RESERVED | {"log_file", "tensorboard"}


def reserved_option(method: Method) -> str | None:
    """Return the first option of ``method`` that is not its to declare, or None."""
    for params, reserved in ((method.params, RESERVED), (method.train_params, RESERVED_IN_TRAINING)):
        own = {param.name for param in params}
        for param in params:
            base = param.name.removeprefix("no_")  # --no-x is the other half of a switch --x
            if {param.name, base} & reserved or (base != param.name and base in own):
                return param.option
    return None
