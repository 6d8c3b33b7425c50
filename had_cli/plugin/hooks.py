"""The hooks of the entry-point group ``had.plugins``.

A plugin is a module (or object) named by an entry point. It marks functions with :data:`hookimpl`;
each returns descriptions from :mod:`had_cli.plugin.descriptions`::

    from had_cli.plugin.descriptions import Method
    from had_cli.plugin.hooks import hookimpl

    @hookimpl
    def had_methods():
        return [Method(name="mean", summary="...", paper="...", detect="had_mean.detector:detect")]

Hooks are called without arguments and must be cheap: no torch, no numpy, no files.
"""

from __future__ import annotations

import pluggy

from had_cli.plugin.descriptions import Method, Metric, Reader, Writer
from had_cli.plugin.extensions import Exporter, Panel, ThresholdRule

GROUP = "had.plugins"
PROJECT = "had"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class HadSpecs:
    """The specifications that every plugin is checked against."""

    @hookspec
    def had_methods(self) -> list[Method]:  # type: ignore[empty-body]
        """Return the detectors this plugin brings."""

    @hookspec
    def had_readers(self) -> list[Reader]:  # type: ignore[empty-body]
        """Return the scene formats this plugin reads."""

    @hookspec
    def had_writers(self) -> list[Writer]:  # type: ignore[empty-body]
        """Return the raster formats this plugin writes."""

    @hookspec
    def had_metrics(self) -> list[Metric]:  # type: ignore[empty-body]
        """Return the figures of merit this plugin computes."""

    @hookspec
    def had_thresholds(self) -> list[ThresholdRule]:  # type: ignore[empty-body]
        """Return the threshold rules this plugin brings."""

    @hookspec
    def had_panels(self) -> list[Panel]:  # type: ignore[empty-body]
        """Return the panels this plugin adds to the page of a scene."""

    @hookspec
    def had_exporters(self) -> list[Exporter]:  # type: ignore[empty-body]
        """Return the forms of a score map that this plugin writes."""
