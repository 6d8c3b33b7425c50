"""What a plugin tells ``had`` about itself: plain, frozen dataclasses.

Nothing here imports numpy, torch or any command-line library: descriptions are read on the way to
``had plugins`` and ``had --help``, so code is named by a reference ``"package.module:attribute"`` and
imported only when it is used (:func:`had_cli.plugin.host.resolve`).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*\Z")
_PARAM_NAME = re.compile(r"[a-z][a-z0-9_]*\Z")
_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*\Z")
_RESOURCE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:\w[\w.-]*\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
PARAM_TYPES = (bool, int, float, str, Path)


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)


def _check_name(kind: str, name: str) -> None:
    _check(bool(_NAME.match(name)), f"{kind} name {name!r} is not lower-case letters, digits and dashes")


def _check_reference(owner: str, field_name: str, reference: str | None) -> None:
    _check(
        reference is None or bool(_REFERENCE.match(reference)),
        f"{owner}: {field_name}={reference!r} is not 'package.module:attribute'",
    )


def _check_suffixes(owner: str, suffixes: tuple[str, ...]) -> None:
    _check(
        isinstance(suffixes, tuple) and all(s.startswith(".") and s == s.lower() for s in suffixes),
        f"{owner}: suffixes are a tuple of lower-case texts that begin with a dot",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of a method; it becomes the option ``--name-with-dashes``.

    ``type`` is one of bool, int, float, str, pathlib.Path. ``default`` None means "not given": the
    method derives the value and its help says how. ``minimum`` and ``maximum`` are inclusive.
    ``writes`` says of a path that the method makes a file there: before anything is computed, a name
    is refused that exists already or that another file of the run has. Other paths are read, and no output
    replaces them.
    """

    name: str
    type: type
    default: Any
    help: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    writes: bool = False

    def __post_init__(self) -> None:
        _check(bool(_PARAM_NAME.match(self.name)), f"parameter name {self.name!r} is not lower_snake_case")
        _check(
            self.type in PARAM_TYPES,
            f"parameter {self.name}: type {self.type!r} is not one of bool, int, float, str, Path",
        )
        _check(bool(self.help), f"parameter {self.name} has no help")
        _check(not self.choices or self.type is str, f"parameter {self.name}: choices need type str")
        _check(not self.writes or self.type is Path, f"parameter {self.name}: writes needs type Path")
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
        if type(value) is not self.type and not isinstance(value, bool):
            import numbers  # numpy's scalars are welcome as well

            if self.type is float and isinstance(value, numbers.Real):
                value = float(value)
            elif self.type is int and isinstance(value, numbers.Integral):
                value = int(value)
        if self.type is Path and isinstance(value, str):
            value = Path(value)
        if not isinstance(value, self.type) or (self.type is int and isinstance(value, bool)):
            raise ValueError(f"{self.option} takes {self.type.__name__}, not {value!r}")
        if self.choices and value not in self.choices:
            raise ValueError(f"{self.option} takes one of {', '.join(self.choices)}, not {value!r}")
        if not self._within(value):
            raise ValueError(f"{self.option} takes {self.range()}, not {value!r}")
        return value

    def _within(self, value: Any) -> bool:
        if self.type not in {int, float}:
            return True
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return bool(low <= value <= high)  # never true of NaN

    def range(self) -> str:
        """Return the accepted range in words, e.g. ``at least 2``."""
        low, high = (None if limit is None else _plain(limit) for limit in (self.minimum, self.maximum))
        if low is not None and high is not None:
            return f"{low} to {high}"
        if low is not None:
            return f"at least {low}"
        return f"at most {high}" if high is not None else "a number"


def _plain(limit: float) -> str:
    """Return a limit as people write it: 1000000 and not 1e+06."""
    return str(int(limit)) if limit == int(limit) and abs(limit) < 10**9 else f"{limit:g}"


def _check_params(owner: str, params: tuple[Param, ...]) -> None:
    _check(all(isinstance(p, Param) for p in params), f"{owner}: params must hold Param objects")
    names = [p.name for p in params]
    _check(len(set(names)) == len(names), f"{owner}: a parameter is declared twice")


def _check_bundled(method: str, use: str, bundled: tuple[BundledWeights, ...]) -> None:
    _check(
        isinstance(bundled, tuple) and all(isinstance(w, BundledWeights) for w in bundled),
        f"method {method}: bundled must hold BundledWeights",
    )
    _check(not bundled or use != "none", f"method {method}: bundled weights, but it uses none")
    names = [weights.name for weights in bundled]
    _check(len(set(names)) == len(names), f"method {method}: bundles weights of one name twice")
    for name in names:  # so no two methods can claim a name
        _check(
            name == method or name.startswith(f"{method}-"),
            f"method {method}: the name of bundled weights {name} does not begin with {method}-",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BundledWeights:
    """Trained weights that come with a plugin, as a file in one of its packages.

    ``name`` is what ``-w`` takes: the method's name, or that and a dash and more. ``file`` is
    ``"package:file"``, found by ``importlib.resources``. ``sha256`` is the file's, in hexadecimal;
    it is checked whenever the weights are loaded. ``good`` and ``poor`` say in a sentence where they do
    well and where not, for ``had models show``.
    """

    name: str
    file: str
    sha256: str
    good: str = ""
    poor: str = ""

    def __post_init__(self) -> None:
        _check_name("weights", self.name)
        _check(
            bool(_RESOURCE.match(self.file)), f"weights {self.name}: file={self.file!r} is not 'package:file'"
        )
        _check(
            bool(_SHA256.match(self.sha256)),
            f"weights {self.name}: sha256={self.sha256!r} is not 64 hexadecimal digits",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A detector.

    ``detect`` refers to ``detect(run, params) -> scores`` and ``train`` to
    ``train(job, params) -> Weights`` (see :mod:`had_cli.engine.run` and :mod:`had_cli.training.train`);
    ``importer`` refers to ``import_weights(path: Path) -> Weights``, which reads what another system
    released (see :mod:`had_cli.weights.importing`), for ``had models import``; ``exporter`` refers to
    ``export_network(weights) -> Network`` (see :mod:`had_cli.weights.exporting`), for ``had models export``;
    ``params`` belong to detect, ``train_params`` to train. ``weights`` says whether ``detect`` uses
    trained weights: ``"none"``, ``"optional"`` or ``"required"``. ``bundled`` are weights that come with
    the plugin; where they are required and none are given, the first are taken. ``double_precision``
    says that ``detect`` computes in float64; on a device without it (mps) the CPU does the work, with a
    warning.
    ``chi_square`` says that on Gaussian background the plain score follows a chi-square law, whose
    degrees of freedom the method records as the fact ``chi_square_freedom``. ``background`` says that the
    method takes the statistics of its background from the pixels that the user chose, where some were
    (``run.reduce(..., background=True)``); for other methods ``--background`` is an error.
    ``offset_invariant`` says that no score changes when a constant is added to every value of the scene
    (``"scene"``), or to every value of a band (``"bands"``). Where values of 32 or 64 bits lie so far
    from zero that single precision loses what varies, such a constant, ``run.scene.origin``, is taken off in
    double precision; for other methods (``"none"``) never.
    ``continues`` says that ``train`` begins from ``job.start`` where weights are given to begin from.
    """

    name: str
    summary: str
    paper: str
    detect: str
    train: str | None = None
    importer: str | None = None
    exporter: str | None = None
    params: tuple[Param, ...] = ()
    train_params: tuple[Param, ...] = ()
    weights: Literal["none", "optional", "required"] = "none"
    bundled: tuple[BundledWeights, ...] = ()
    double_precision: bool = False
    chi_square: bool = False
    background: bool = False
    offset_invariant: Literal["none", "scene", "bands"] = "none"
    continues: bool = False

    def __post_init__(self) -> None:
        _check_name("method", self.name)
        _check(bool(self.summary), f"method {self.name} has no summary")
        _check(self.detect is not None, f"method {self.name} has no detect")
        _check_reference(f"method {self.name}", "detect", self.detect)
        _check_reference(f"method {self.name}", "train", self.train)
        _check_reference(f"method {self.name}", "importer", self.importer)
        _check_reference(f"method {self.name}", "exporter", self.exporter)
        _check(
            self.weights in {"none", "optional", "required"},
            f"method {self.name}: weights={self.weights!r} is not none, optional or required",
        )
        _check(
            self.offset_invariant in {"none", "scene", "bands"},
            f"method {self.name}: offset_invariant={self.offset_invariant!r} is not none, scene or bands",
        )
        _check(
            self.train is not None or not self.train_params, f"method {self.name}: train_params without train"
        )
        _check_params(self.name, self.params)
        _check_params(self.name, self.train_params)
        _check_bundled(self.name, self.weights, self.bundled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A scene format that can be read.

    ``open`` refers to ``open(path, options) -> Source`` (:class:`had_cli.scenes.source.Source`).
    ``sniff`` refers to ``sniff(path) -> bool``: asked for files whose suffix is not listed.
    ``recognise`` refers to ``recognise(path) -> bool``, for formats that share their suffix with others,
    such as products in .nc or .tif files: of the files and folders with its ``suffixes``, the reader
    takes those for which it is true, before any reader that lists the suffix alone.
    """

    name: str
    summary: str
    open: str
    suffixes: tuple[str, ...] = ()
    sniff: str | None = None
    recognise: str | None = None

    def __post_init__(self) -> None:
        _check_name("reader", self.name)
        _check_reference(f"reader {self.name}", "open", self.open)
        _check_reference(f"reader {self.name}", "sniff", self.sniff)
        _check_reference(f"reader {self.name}", "recognise", self.recognise)
        _check(
            self.recognise is None or bool(self.suffixes), f"reader {self.name}: recognise without suffixes"
        )
        _check_suffixes(f"reader {self.name}", self.suffixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """A raster format that can be written.

    ``create`` refers to ``create(path, info, dtype) -> Sink`` (:class:`had_cli.scenes.source.Sink`). With
    ``folder``, what it makes is a folder, which replaces a store of its kind as a file replaces a file.
    """

    name: str
    summary: str
    create: str
    suffixes: tuple[str, ...] = ()
    folder: bool = False

    def __post_init__(self) -> None:
        _check_name("writer", self.name)
        _check_reference(f"writer {self.name}", "create", self.create)
        _check(bool(self.suffixes), f"writer {self.name} claims no suffix")
        _check_suffixes(f"writer {self.name}", self.suffixes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A figure of merit of a score map against a truth.

    ``compute`` refers to ``compute(truth, scores) -> float`` on 1-D arrays of the valid pixels:
    ``truth`` bool, ``scores`` float64. ``formula`` is printed beside the number, ``best`` is the
    value of a perfect map; ``symbol`` is how papers write it, default the name.
    """

    name: str
    summary: str
    compute: str
    formula: str
    best: float
    symbol: str = ""

    def __post_init__(self) -> None:
        _check(bool(_PARAM_NAME.match(self.name)), f"metric name {self.name!r} is not lower_snake_case")
        _check_reference(f"metric {self.name}", "compute", self.compute)


@dataclass(frozen=True, slots=True)
class Offer:
    """Everything one plugin offers, as checked by the host."""

    methods: tuple[Method, ...] = ()
    readers: tuple[Reader, ...] = ()
    writers: tuple[Writer, ...] = ()
    metrics: tuple[Metric, ...] = ()
    thresholds: tuple[Any, ...] = ()  # these three in had_cli.plugin.extensions, which builds on this module
    panels: tuple[Any, ...] = ()
    exporters: tuple[Any, ...] = ()
    hooks: tuple[str, ...] = ()
