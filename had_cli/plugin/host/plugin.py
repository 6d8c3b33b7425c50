"""One plugin as the host sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from had_cli.plugin.descriptions import Offer

_NOTHING = Offer()
KINDS = ("methods", "readers", "writers", "metrics", "thresholds", "panels", "exporters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """An entry point of ``had.plugins`` and what became of it.

    Attributes
    ----------
    name : the entry point's name
    state : ``ok``; ``broken``: ``error`` says why, and ``offer`` holds what can be used all the same
        (everything but the names that another plugin had taken before); ``disabled`` by
        ``HAD_DISABLE_PLUGINS``: nothing of it was imported
    distribution, version : the installed distribution that declares it
    module : what the entry point refers to
    error : one line
    claims : (kind, name) of all it declared, as far as the host got to see it
    """

    name: str
    state: Literal["ok", "broken", "disabled"]
    distribution: str
    version: str
    module: str
    offer: Offer = _NOTHING
    error: str | None = None
    claims: frozenset[tuple[str, str]] = frozenset()

    @property
    def origin(self) -> str:
        """The name with the distribution and its version, e.g. ``grx (had 0.1.0)``."""
        return f"{self.name} ({self.distribution} {self.version})"

    def broken(self, error: str, offer: Offer | None = None) -> Plugin:
        """Return this plugin as broken, still offering ``offer``."""
        return replace(self, state="broken", error=error, offer=offer or Offer(hooks=self.offer.hooks))

    def might_offer(self, method: str) -> bool:
        """Tell whether an unusable plugin is where ``method`` would have come from."""
        if self.state == "ok":
            return False
        if self.claims:
            return ("methods", method) in self.claims
        # it could not be asked; by custom the plugin or its module is called like its method
        module = self.module.partition(":")[0].rpartition(".")[2].replace("_", "-")
        return method in {self.name, module, module.removeprefix("had-")}

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``had plugins --json``."""
        return {
            "name": self.name,
            "state": self.state,
            "distribution": self.distribution,
            "version": self.version,
            "module": self.module,
            "hooks": list(self.offer.hooks),
            **{kind: [item.name for item in getattr(self.offer, kind)] for kind in KINDS},
            "weights": {
                method.name: {"use": method.weights, "bundled": [weights.name for weights in method.bundled]}
                for method in self.offer.methods
            },
            "error": self.error,
        }
