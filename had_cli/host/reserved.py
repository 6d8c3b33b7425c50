"""Names that a method's parameters may not take, because ``had`` itself uses them."""

from __future__ import annotations

from had_cli.descriptions import Method

# the options of `had detect` and `had train` and the arguments of the functions behind them
_SHARED = frozenset(
    {
        "bands",
        "checkpoint",
        "debug",
        "device",
        "exclude_bands",
        "help",
        "json",
        "mask",
        "method",
        "out",
        "output",
    }
    | {"overwrite", "progress", "quiet", "resume", "scene", "scenes", "seed", "truth", "truth_variable"}
    | {"variable", "verbose", "warn", "weights", "window"}
)
_DETECT = _SHARED | {"engine", "memory", "scheduler"}


def reserved_option(method: Method) -> str | None:
    """Return the first option of ``method`` that is not its to declare, or None."""
    for params, reserved in ((method.params, _DETECT), (method.train_params, _SHARED)):
        # --no-x is the other half of a switch --x
        own = {param.name for param in params}
        for param in params:
            base = param.name.removeprefix("no_")
            if param.name in reserved or base in reserved or (base != param.name and base in own):
                return param.option
    return None
