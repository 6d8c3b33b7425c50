"""``had devices``: what can compute here."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import typer

from had_cli.commands.common_options import Json
from had_cli.commands.messages import Messages, size, table
from had_cli.commands.outcome import guarded


def install(app: typer.Typer, summary: str, words: Sequence[str]) -> None:  # noqa: ARG001 - as every command
    """Add the command to ``app``."""
    app.command("devices", help=summary)(devices)


@guarded
def devices(json: Json = False) -> None:
    """List what can compute here."""
    from had_cli.engine.devices import choose_device, list_devices, why_no_cuda

    found, messages, chosen = list_devices(), Messages(as_json=json), choose_device("auto")
    if json:
        messages.document({"devices": [dataclasses.asdict(device) for device in found], "auto": chosen})
        return
    rows = [("DEVICE", "MODEL", "FREE", "TOTAL", "")]
    for device in found:
        free, total = (
            "-" if count is None else size(count) for count in (device.memory_free, device.memory_total)
        )
        rows.append(
            (
                device.name,
                device.model,
                free,
                total,
                "taken by --device auto" if device.name == chosen else "",
            )
        )
    for line in table(rows):
        messages.result(line)
    reason = why_no_cuda()
    if reason is not None:
        messages.result(f"No CUDA device: {reason}")
