"""Whether weights are what they were when they were made."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from had_cli.errors import HadError
from had_cli.weights.file import CHECKSUM
from had_cli.weights.models import Model
from had_cli.weights.probe import probe_difference, tolerance


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of verifying one weights file.

    Attributes
    ----------
    name, file : which
    sha256 : of the file, or None where it could not be read
    known_by : what its content was held against: the ``sha256`` that its plugin declares, or the
        ``checksum`` in its header
    difference : of the scores of the probe from those kept, as a part of the highest; None where
        none are kept
    tolerance : the difference allowed, or None
    error : one line; None where the weights are sound
    """

    name: str
    file: str
    sha256: str | None = None
    known_by: str | None = None
    difference: float | None = None
    tolerance: float | None = None
    error: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``had models verify --json``."""
        return {name: getattr(self, name) for name in self.__slots__}


def verify(model: Model) -> Verdict:
    """Return the verdict on a weights file: its bytes, and what it says of the probe.

    A byte that differs is found by the sha256 that a plugin declares, else by the checksum in the
    header; another outcome of the same bytes, from another version or processor, by the probe.
    """
    verdict = Verdict(name=model.name, file=str(model.path))
    try:
        weights = model.load()
    except HadError as error:
        return replace(verdict, error=str(error))
    known_by = "sha256" if model.sha256 else "checksum" if weights.header.get(CHECKSUM) else None
    verdict = replace(verdict, sha256=weights.hash, known_by=known_by)
    try:
        difference = probe_difference(weights)
    except HadError as error:
        return replace(verdict, error=f"{model.path}: {error}")
    if difference is not None:
        verdict = replace(verdict, difference=difference, tolerance=tolerance(weights))
    return replace(verdict, error=_complaint(verdict))


def _complaint(verdict: Verdict) -> str | None:
    if verdict.known_by is None:
        return f"{verdict.file}: holds no checksum to verify it by; train or import it again"
    difference, allowed = verdict.difference, verdict.tolerance
    if difference is not None and allowed is not None and not difference <= allowed:
        return (
            f"{verdict.file}: scores of the probe differ by {difference:.2g} of the highest, {allowed:g} is "
            "allowed; the file is whole: look for another version of the method, or of torch, than it was "
            "made with"
        )
    return None
