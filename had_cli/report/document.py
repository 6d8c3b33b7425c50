"""One HTML document out of the page's parts and what it is to show.

The policy in the document forbids everything that is not in the document: scripts and styles are
allowed by their hashes alone, pictures only as data, requests not at all.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from string import Template
from typing import Any

from had_cli._version import __version__
from had_cli.report.encoding import script_json

# in the order in which they build on one another; each is one idea
SCRIPTS = (
    "elements",
    "numbers",
    "tally",
    "colour",
    "chart",
    "state",
    "table",
    "map",
    "mappanel",
    "threshold",
    "distribution",
    "spectrum",
    "roc",
    "places",
    "panels",
    "provenance",
    "scene",
    "benchtables",
    "bench",
    "index",
    "start",
)


def document(content: dict[str, Any], parts: Iterable[str] = ()) -> bytes:
    """Return the HTML file that shows ``content``; its texts come out as texts, whatever they hold.

    Parameters
    ----------
    parts
        What the page reads only when it is asked for, as :func:`carried_json` writes it: the scenes of an
        index, the first as ``carried-1``.
    """
    style, script = _part("style.css"), _script()
    policy = "; ".join(
        (
            "default-src 'none'",
            "img-src data:",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )
    page = Template(_part("page.html")).substitute(
        policy=policy,
        version=__version__,
        title=html.escape(f"{content['title']}: {content['subtitle']}"),
        style=style,
        script=script,
        carried=carried_json(content),
        parts="".join(
            f'<script type="application/json" id="carried-{number}">{part}</script>\n'
            for number, part in enumerate(parts, start=1)
        ),
    )
    # a file name may hold bytes that are no text; they are shown as question marks
    return page.encode("utf-8", errors="replace")


def carried_json(content: dict[str, Any]) -> str:
    """Return ``content``, and what wrote it, as JSON that can stand inside the document."""
    return script_json({**content, "version": __version__})


def _script() -> str:
    parts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'(() => {{\n"use strict";\n{parts}}})();\n'


@cache
def _part(name: str) -> str:
    return files("had_cli.report").joinpath("page", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
