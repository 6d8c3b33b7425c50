"""What is compared: methods with their parameters and weights, each under a label."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from had_cli.bench.fingerprints import code_hash, content_hash
from had_cli.detection.parameters import check_params
from had_cli.errors import UsageError
from had_cli.files import read_regular
from had_cli.plugin import host
from had_cli.weights.chosen import weights_for
from had_cli.weights.models import names

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*\Z")  # it becomes part of file names
_KEYS = ("name", "label", "weights", "parameters")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """One column of the table.

    Attributes
    ----------
    label : unique among the configurations of a bench; by default the method's name
    method : its name; parameters : all of them, defaults included
    weights : the file or its name as given, or None; weights_name, weights_hash : name and sha256 of those
        used, or None
    files : sha256 of the files that parameters name, by parameter
    plugin : where the method comes from, with its version
    code : sha256 of the package that detects, which changes with its text even under one version
    """

    label: str
    method: str
    parameters: Mapping[str, Any]
    weights: Path | None = None
    weights_name: str | None = None
    weights_hash: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    plugin: str = ""
    code: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the entry of ``results.json``."""
        return {
            "label": self.label,
            "method": self.method,
            "plugin": self.plugin,
            "parameters": self.plain_parameters(),
            "weights": self.weights_name,
            "weights_sha256": self.weights_hash,
        }

    def plain_parameters(self) -> dict[str, Any]:
        """Return the parameters as JSON values."""
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in self.parameters.items()
        }


def configure(
    methods: Sequence[str], weights: Sequence[str] = (), file: str | Path | None = None
) -> list[Configuration]:
    """Return the configurations asked for: those of ``methods`` with their defaults, then those of ``file``.

    Parameters
    ----------
    methods
        Names, each once.
    weights
        ``METHOD=FILE``, or ``FILE`` alone where one of ``methods`` uses weights; a name will do for a file.
    file
        TOML with a table ``[[method]]`` per configuration (``name``, ``label``, ``weights``, and a table
        ``parameters``); paths in it are relative to it.

    Raises
    ------
    UsageError
        When a name, label, parameter or key is unknown, doubled or out of range.
    WeightsError
        When weights are missing or not of their method.
    """
    if not methods and file is None:
        raise UsageError("nothing to compare: name methods with -m METHOD, or give --config FILE.toml")
    for name in methods:
        host.method(name)
    paths = _weights_by_method(methods, weights)
    found = [_configuration(name, name, {}, paths.get(name)) for name in methods]
    if file is not None:
        found += _from_file(Path(file))
    labels = [configuration.label.lower() for configuration in found]  # file systems may not mind case
    for configuration in found:
        if labels.count(configuration.label.lower()) > 1:
            raise UsageError(
                f"two configurations are labelled {configuration.label}; "
                "tell them apart by label = ... in a file for --config"
            )
    return found


def _weights_by_method(methods: Sequence[str], given: Sequence[str]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    users = [name for name in methods if host.method(name).weights != "none"]
    for text in given:
        name, sign, path = text.partition("=")
        if not (sign and name in host.methods()):
            if len(users) != 1:
                raise UsageError(
                    f"-w {text}: write -w METHOD=FILE; of the methods named, "
                    f"{', '.join(users) or 'none'} can use weights"
                )
            name, path = users[0], text
        if name not in methods:
            raise UsageError(f"-w {text}: {name} is not among the methods named with -m")
        if name in paths:
            raise UsageError(f"-w {text}: {name} has weights already; compare several through --config")
        paths[name] = Path(path)
    return paths


def _configuration(
    label: str, method: str, parameters: Mapping[str, Any], weights: Path | None
) -> Configuration:
    if not _LABEL.match(label):
        raise UsageError(f"label {label!r}: it becomes part of file names; use letters, digits and . _ + -")
    description = host.method(method)
    values = check_params(description, parameters)
    loaded = weights_for(description, weights)
    origin = next((p.origin for p in host.plugins() if description in p.offer.methods), "")
    return Configuration(
        label=label,
        method=method,
        parameters=values,
        weights=weights,
        weights_name=None if loaded is None else loaded.name,
        weights_hash=None if loaded is None else loaded.hash,
        files={n: content_hash(v) for n, v in values.items() if isinstance(v, Path) and v.is_file()},
        plugin=origin,
        code=code_hash(description.detect),
    )


def _from_file(file: Path) -> list[Configuration]:
    try:
        document = tomllib.loads(read_regular(file).decode())
    except FileNotFoundError:
        raise UsageError(f"--config {file}: there is no such file") from None
    except OSError as error:
        raise UsageError(f"--config {file}: cannot be read ({error.strerror})") from error
    except ValueError as error:  # TOMLDecodeError and UnicodeDecodeError
        raise UsageError(f"--config {file}: is no TOML: {error}") from error
    tables = document.pop("method", None)
    if document or not isinstance(tables, list) or not tables:
        odd = f"not {', '.join(document)}" if document else "and holds none"
        raise UsageError(f"--config {file}: takes tables [[method]], {odd}")
    found = []
    for number, table in enumerate(tables, start=1):
        try:
            found.append(_of_table(table, file.parent))
        except UsageError as error:
            raise UsageError(f"--config {file}: method {number}: {error}") from error
    return found


def _of_table(table: Any, folder: Path) -> Configuration:
    unknown = sorted(set(table) - set(_KEYS)) if isinstance(table, dict) else ["values"]
    if unknown:
        raise UsageError(f"has no key {unknown[0]!r}; its keys: {', '.join(_KEYS)}")
    name, weights = table.get("name"), table.get("weights")
    label, given = table.get("label", name), table.get("parameters", {})
    texts = (name, label, *([] if weights is None else [weights]))
    if not all(isinstance(text, str) for text in texts) or not isinstance(given, dict):
        raise UsageError("name, label and weights are texts, name must be there, and parameters is a table")
    named = {key.replace("-", "_"): value for key, value in given.items()}
    for param in host.method(name).params:
        if param.type is Path and isinstance(named.get(param.name), str):
            named[param.name] = folder / named[param.name]
    return _configuration(label, name, named, None if weights is None else _weights_of_table(weights, folder))


def _weights_of_table(given: str, folder: Path) -> Path:
    """Return a path relative to the file's folder, or a name of weights where no such file is there."""
    path = folder / given
    return Path(given) if not path.exists() and given in names() else path
