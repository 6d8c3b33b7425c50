"""What a threshold is to be: the text on the command line, understood."""

from __future__ import annotations

import math
from dataclasses import dataclass

from had_cli.errors import UsageError
from had_cli.plugin.extensions import OWN_RULES

_MEANING = {
    "cfar": "a false-alarm rate between 0 and 0.5",
    "quantile": "a fraction between 0 and 1",
    "value": "a score",
    "chi2": "a false-alarm rate between 0 and 0.5",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of threshold and its number.

    Attributes
    ----------
    kind
        ``cfar``: the false-alarm rate ``number`` by a fit to the background's upper tail;
        ``quantile``: the fraction ``number`` of all valid pixels lies below;
        ``value``: the score ``number`` itself;
        ``chi2``: the false-alarm rate ``number`` if the scores of GRX were chi-square distributed;
        any other: the rule of a plugin.
    """

    kind: str
    number: float

    def __str__(self) -> str:
        return f"{self.kind}:{self.number:g}"


def parse_rule(text: str) -> Rule:
    """Return the rule in ``cfar:PF``, ``quantile:Q``, ``value:V``, ``chi2:PF`` or a plugin's ``NAME:NUMBER``.

    Raises
    ------
    UsageError
        When it is none of them, or its number lies outside what it means.

    Examples
    --------
    >>> parse_rule("cfar:1e-3")
    Rule(kind='cfar', number=0.001)
    """
    kind, colon, rest = text.strip().partition(":")
    if colon and kind not in OWN_RULES:
        return _of_plugin(text, kind, rest)
    if not colon:
        raise UsageError(f"{text!r} is no threshold; give cfar:PF, quantile:Q, value:V or chi2:PF")
    try:
        number = float(rest)
    except ValueError:
        number = math.nan
    limits = {"quantile": (0.0, 1.0), "value": (-math.inf, math.inf)}
    low, high = limits.get(kind, (0.0, 0.5))
    if not low < number < high:
        raise UsageError(f"{text!r}: {kind} takes {_MEANING[kind]}, as in {_example(kind)}")
    return Rule(kind, number)


def _of_plugin(text: str, kind: str, rest: str) -> Rule:
    from had_cli.plugin import host

    known = host.thresholds()
    if kind not in known:
        more = "".join(f", {name}:{rule.example:g}" for name, rule in known.items())
        raise UsageError(f"{text!r} is no threshold; give cfar:PF, quantile:Q, value:V or chi2:PF{more}")
    rule = known[kind]
    try:
        number = float(rest)
    except ValueError:
        number = math.nan
    if not rule.takes(number):
        raise UsageError(f"{text!r}: {kind} takes {rule.meaning}, as in {kind}:{rule.example:g}")
    return Rule(kind, number)


def _example(kind: str) -> str:
    return {"quantile": "quantile:0.99", "value": "value:12.5"}.get(kind, f"{kind}:1e-3")
