"""``had plugins``: what is installed, what it offers, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from had_cli.commands.common_options import HelpOption, Json
from had_cli.commands.messages import Messages, table
from had_cli.commands.options import Overwrite
from had_cli.commands.outcome import guarded
from had_cli.plugin.host.plugin import KINDS, Plugin

_ARTICLE = {"detector": "a detector", "trained": "a trained method", "reader": "a reader of scenes"}
_ARTICLE |= {"writer": "a writer of maps", "metric": "a metric"}


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    group = typer.Typer(help=summary, invoke_without_command=True, add_help_option=False)
    group.callback()(guarded(plugins))
    group.command("new")(guarded(new))
    group.command("bundle")(guarded(bundle))
    app.add_typer(group, name="plugins")


def plugins(context: typer.Context, help: HelpOption = False, json: Json = False) -> None:  # noqa: A002, ARG001
    """List the installed plugins and what they offer."""
    if context.invoked_subcommand:
        return
    from had_cli.plugin import host

    registry, messages = host.registry(), Messages(as_json=json)
    if json:
        messages.document(
            {
                "plugins": [plugin.to_json() for plugin in registry.plugins],
                "disabled_but_not_installed": registry.unknown_disabled,
            }
        )
        return
    rows = [("PLUGIN", "STATE", "DISTRIBUTION", "OFFERS")]
    rows += [(p.name, p.state, f"{p.distribution} {p.version}", _offers(p)) for p in registry.plugins]
    for line in table(rows):
        messages.result(line)
    for plugin in registry.plugins:
        if plugin.error:
            messages.result(f"{plugin.name} ({plugin.distribution}): {plugin.error}")
    for name in registry.unknown_disabled:
        messages.result(f"HAD_DISABLE_PLUGINS names {name}, but no plugin of that name is installed")


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is to be called.")],
    kind: Annotated[
        str,
        typer.Option(metavar="KIND", help="What to begin: detector, trained, reader, writer or metric."),
    ] = "detector",
    folder: Annotated[
        Path, typer.Option("--folder", metavar="FOLDER", help="Where had-NAME is made.")
    ] = Path(),
) -> None:
    """Write the first files of a plugin of your own, ready to be installed."""
    from had_cli.plugin.scaffold import new_plugin

    messages, made = Messages(), new_plugin(name, folder, kind=kind)
    messages.result(f"{made}: {_ARTICLE.get(kind, kind)}; install it by: pip install -e {made}")


def bundle(
    weights: Annotated[str, typer.Argument(metavar="WEIGHTS", help="A weights file of one of its methods.")],
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", show_default=False, help="What they are called; default: as the file."),
    ] = None,
    first: Annotated[
        bool, typer.Option("--first", help="Make them the default; else those bundled first are.")
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Put trained weights into the package of your plugin, for had detect to take by default."""
    from had_cli.weights.bundling import bundle_weights

    messages, made = Messages(), bundle_weights(weights, name=name, first=first, overwrite=overwrite)
    messages.result(f"{made.path}: weights of {made.weights.method}, sha256 {made.weights.hash}")
    if not made.declared:
        messages.result(
            f"to have them found, add bundled=BUNDLED to the description of {made.weights.method}, and "
            f"above: from {made.package} import BUNDLED"
        )


def _offers(plugin: Plugin) -> str:
    offers = []
    for kind in KINDS:
        names = [item.name for item in getattr(plugin.offer, kind)]
        if names:
            offers.append(f"{kind}: {' '.join(names)}")
    return "; ".join(offers) or "-"
