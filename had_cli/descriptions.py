"""What a plugin tells ``had`` about itself: plain, frozen dataclasses.

Nothing here imports numpy, torch or any command-line library: descriptions are read on the way to
``had plugins`` and ``had --help``, so code is named by a reference ``"package.module:attribute"`` and
imported only when it is used (:func:`had_cli.host.resolve`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_PARAM_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")
PARAM_TYPES = (bool, int, float, str, Path)


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of a method; it becomes the option ``--name-with-dashes``.

    ``type`` is one of bool, int, float, str, pathlib.Path. ``default`` None means "not given": the
    method derives the value and its help says how. ``minimum`` and ``maximum`` are inclusive.
    """

    name: str
    type: type
    default: Any
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(bool(_PARAM_NAME.match(self.name)), f"parameter name {self.name!r} is not lower_snake_case")
        _check(self.type in PARAM_TYPES, f"parameter {self.name}: type {self.type!r} is not one of bool, int, float, str, Path")
        _check(bool(self.help), f"parameter {self.name} has no help")
        _check(not self.choices or self.type is str, f"parameter {self.name}: choices need type str")
        if self.default is not None:
            self.check(self.default)

    @property
    def option(self) -> str:
        """The option as typed on the command line, e.g. ``--block-size``."""
        return "--" + self.name.replace("_", "-")

    def check(self, value: Any) -> Any:
        """Return ``value`` converted to the declared type.

        Raises
        ------
        ValueError
            When it is of another type, out of range or none of the choices.
        """
        if value is None:
            return None
        if self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if self.type is Path and isinstance(value, str):
            value = Path(value)
        if not isinstance(value, self.type) or (self.type is int and isinstance(value, bool)):
            raise ValueError(f"{self.option} takes {self.type.__name__}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.option} takes one of {', '.join(self.choices)}, not {value!r}")
        low, high = self.minimum, self.maximum
        # "not (>=)" rather than "<" so that NaN is refused as well
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            raise ValueError(f"{self.option} takes {self.range()}, not {value!r}")
        return value

    def range(self) -> str:
        """The accepted range in words, e.g. ``at least 2``."""
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        if self.minimum is not None:
            return f"at least {self.minimum:g}"
        return f"at most {self.maximum:g}" if self.maximum is not None else "any value"


def _check_params(owner: str, params: tuple[Param, ...]) -> None:
    _check(all(isinstance(p, Param) for p in params), f"{owner}: params must hold Param objects")
    names = [p.name for p in params]
    _check(len(set(names)) == len(names), f"{owner}: a parameter is declared twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A detector.

    ``detect`` refers to ``detect(run, params) -> scores`` and ``train`` to
    ``train(job, params) -> Weights`` (see :mod:`had_cli.engine` and :mod:`had_cli.training`);
    ``params`` belong to detect, ``train_params`` to train. ``weights`` says whether ``detect`` uses
    trained weights: ``"none"``, ``"optional"`` or ``"required"``.
    """

    name: str
    summary: str
    paper: str
    detect: str
    train: str | None = None
    params: tuple[Param, ...] = ()
    train_params: tuple[Param, ...] = ()
    weights: Literal["none", "optional", "required"] = "none"

    def __post_init__(self) -> None:
        _check(bool(_NAME.match(self.name)), f"method name {self.name!r} is not lower-case letters, digits and dashes")
        _check(bool(self.summary), f"method {self.name} has no summary")
        _check(bool(_REFERENCE.match(self.detect)), f"method {self.name}: detect={self.detect!r} is not 'package.module:attribute'")
        _check(self.train is None or bool(_REFERENCE.match(self.train)), f"method {self.name}: train={self.train!r} is not 'package.module:attribute'")
        _check(self.weights in {"none", "optional", "required"}, f"method {self.name}: weights={self.weights!r} is not none, optional or required")
        _check_params(self.name, self.params)
        _check_params(self.name, self.train_params)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A scene format that can be read.

    ``open`` refers to ``open(path, options) -> Source`` (:class:`had_cli.scenes.source.Source`).
    ``sniff`` refers to ``sniff(path) -> bool``: asked for files whose suffix is not listed.
    """

    name: str
    summary: str
    open: str
    suffixes: tuple[str, ...] = ()
    sniff: str | None = None

    def __post_init__(self) -> None:
        _check(bool(_NAME.match(self.name)), f"reader name {self.name!r} is not lower-case letters, digits and dashes")
        _check(bool(_REFERENCE.match(self.open)), f"reader {self.name}: open={self.open!r} is not 'package.module:attribute'")
        _check(self.sniff is None or bool(_REFERENCE.match(self.sniff)), f"reader {self.name}: sniff={self.sniff!r} is not 'package.module:attribute'")
        _check(all(s.startswith(".") and s == s.lower() for s in self.suffixes), f"reader {self.name}: suffixes are lower case and begin with a dot")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A raster format that can be written.

    ``create`` refers to ``create(path, info, dtype) -> Sink`` (:class:`had_cli.scenes.source.Sink`).
    """

    name: str
    summary: str
    create: str
    suffixes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(bool(_NAME.match(self.name)), f"writer name {self.name!r} is not lower-case letters, digits and dashes")
        _check(bool(_REFERENCE.match(self.create)), f"writer {self.name}: create={self.create!r} is not 'package.module:attribute'")
        _check(bool(self.suffixes), f"writer {self.name} claims no suffix")


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of merit of a score map against a truth.

    ``compute`` refers to ``compute(truth, scores) -> float`` on 1-D arrays of the valid pixels:
    ``truth`` bool, ``scores`` float64. ``formula`` is printed beside the number, ``best`` is the
    value of a perfect map.
    """

    name: str
    summary: str
    compute: str
    formula: str
    best: float

    def __post_init__(self) -> None:
        _check(bool(_PARAM_NAME.match(self.name)), f"metric name {self.name!r} is not lower_snake_case")
        _check(bool(_REFERENCE.match(self.compute)), f"metric {self.name}: compute={self.compute!r} is not 'package.module:attribute'")


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything one plugin offers, as checked by the host."""

    methods: tuple[Method, ...] = ()
    readers: tuple[Reader, ...] = ()
    writers: tuple[Writer, ...] = ()
    metrics: tuple[Metric, ...] = ()
    hooks: tuple[str, ...] = field(default=())
