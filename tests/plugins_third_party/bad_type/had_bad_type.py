"""Returns names where descriptions are due."""

from had_cli.plugin import hookimpl


@hookimpl
def had_methods():
    """Return what no host can use."""
    return ["ace", "cem"]
