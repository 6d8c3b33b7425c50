"""Trained weights in safetensors files, whose JSON header says where they come from.

Nothing here unpickles anything: a weights file can hold arrays and text, never code.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from had_cli._version import __version__
from had_cli.errors import WeightsError
from had_cli.files import read_regular, refuse_existing, write_whole
from had_cli.foreign.texts import parse_json
from had_cli.results.metrics.evaluation import json_value

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

CHECKSUM = "checksum"  # field of the header
KEY = "had"  # safetensors keeps a flat mapping of texts; ours is one JSON document under this key
_PICKLES = (b"\x80", b"PK\x03\x04", b"\x1f\x8b")  # pickle, the zip archive of torch.save, gzip


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The tensors of one trained method and their history.

    Attributes
    ----------
    method : the method they belong to
    tensors : arrays by name
    header : JSON values: ``parameters``, the band grid (``bands`` and ``wavelengths`` in nm or None),
        ``normalisation``, ``scenes`` (name and sha256 of each), ``seed``, ``versions``, ``metrics``,
        ``probe`` (:mod:`had_cli.weights.probe`), ``checksum`` of all the rest, and whatever else the method
        wants to know again
    hash : sha256 of the file they were loaded from or saved to; None before that
    name : the name of the file, or of weights that come with a plugin; None before that
    """

    method: str
    tensors: Mapping[str, npt.NDArray[Any]] = field(repr=False)
    header: Mapping[str, Any] = field(default_factory=dict)
    hash: str | None = None
    name: str | None = None

    def save(self, path: str | Path, *, overwrite: bool = False) -> Weights:
        """Write a safetensors file and return these weights with its hash.

        The file appears under its name only when complete.

        Raises
        ------
        OutputExistsError
            When ``path`` exists and ``overwrite`` is false.
        OutputError
            When it cannot be written.
        """
        from safetensors.numpy import save

        path = Path(path)
        refuse_existing(path, overwrite=overwrite)
        document = json_value({**self.header, "method": self.method})
        document.setdefault("versions", {"had": __version__})
        # a tensor that is a strided view would be stored in the wrong order
        tensors = {name: np.asarray(tensor, order="C") for name, tensor in self.tensors.items()}
        document[CHECKSUM] = _checksum(document, tensors)
        text = json.dumps(document, sort_keys=True, allow_nan=False)
        content = save(tensors, metadata={KEY: text})
        write_whole(path, content, overwrite=overwrite)
        digest = hashlib.sha256(content).hexdigest()
        header = json.loads(text)
        return Weights(method=self.method, tensors=tensors, header=header, hash=digest, name=path.name)

    def require(self, **shapes: tuple[int | None, ...]) -> None:
        """Check that tensors are there with the given shapes, None standing for any length.

        Raises
        ------
        WeightsError
            Naming the first that is missing or of another shape.
        """
        for name, shape in shapes.items():
            tensor = self.tensors.get(name)
            if tensor is None:
                raise WeightsError(
                    f"weights of {self.method} hold no tensor {name!r}; they are damaged or too old"
                )
            fits = len(shape) == tensor.ndim and all(
                w in {None, n} for w, n in zip(shape, tensor.shape, strict=True)
            )
            if not fits:
                raise WeightsError(
                    f"weights of {self.method}: tensor {name!r} has shape {tensor.shape}, not {shape}"
                )


def load_weights(
    path: str | Path | Traversable, *, method: str | None = None, sha256: str | None = None
) -> Weights:
    """Return the weights in ``path``.

    Parameters
    ----------
    path
        A file, or a resource of a package.
    method
        The method they must belong to; None takes any.
    sha256
        What the file's must be; None takes any.

    Raises
    ------
    WeightsError
        When the file is missing, damaged, of another kind, or of another method.
    """
    path = Path(path) if isinstance(path, str) else path
    content = _content(path)
    digest = hashlib.sha256(content).hexdigest()
    if sha256 is not None and digest != sha256:
        raise WeightsError(f"{path}: damaged or replaced: sha256 {digest[:12]}..., not {sha256[:12]}...")
    header = _header(path, content)
    name = header["method"]
    if method is not None and name != method:
        raise WeightsError(
            f"{path}: these are weights of {name}, not of {method}; choose -m {name} or other weights"
        )
    from safetensors.numpy import load

    try:
        tensors = load(content)
    except Exception as error:
        raise WeightsError(
            f"{path}: damaged weights ({_reason(error)}); copy or download them again"
        ) from error
    if header.get(CHECKSUM, "") not in ("", _checksum(header, tensors)):  # it may be anything, also a list
        raise WeightsError(f"{path}: damaged weights (wrong checksum); copy or download them again")
    return Weights(method=name, tensors=tensors, header=header, hash=digest, name=path.name)


def read_header(path: str | Path | Traversable) -> dict[str, Any]:
    """Return the header of a weights file without its tensors.

    Raises
    ------
    WeightsError
        As :func:`load_weights`.
    """
    path = Path(path) if isinstance(path, str) else path
    return _header(path, _content(path))


def _checksum(header: Mapping[str, Any], tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """Return the sha256 of the header, but for its own checksum, and of every tensor."""
    text = json.dumps({k: v for k, v in header.items() if k != CHECKSUM}, sort_keys=True)
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        stored = tensor.astype(tensor.dtype.newbyteorder("<"), copy=False)
        digest.update(f"\n{name} {stored.dtype.str} {stored.shape}\n".encode())
        digest.update(stored.tobytes())
    return digest.hexdigest()


def _content(path: Path | Traversable) -> bytes:
    try:
        return read_regular(path) if isinstance(path, Path) else path.read_bytes()
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such weights file") from None
    except OSError as error:
        raise WeightsError(f"{path}: cannot read weights: {error.strerror}") from error


def _header(path: Path | Traversable, content: bytes) -> dict[str, Any]:
    """Return our document out of a safetensors header: 8 bytes of its length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    try:
        if len(content) < 8 or length > len(content) - 8:
            raise ValueError("shorter than its header")  # noqa: TRY301 - one reason among several
        document = parse_json(content[8 : 8 + length])
    except ValueError as error:
        # asked only now: a sound file may begin with the same bytes, being the length of its header
        if content.startswith(_PICKLES):
            reason = (
                "a pickle or archive, which may hold code, is never opened; weights are safetensors files"
            )
        else:
            reason = "not a safetensors file, or one cut short; copy or download it again"
        raise WeightsError(f"{path}: {reason}") from error
    try:
        header = parse_json(document["__metadata__"][KEY])
        if not isinstance(header["method"], str):
            raise TypeError(header["method"])  # noqa: TRY301
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(
            f"{path}: a safetensors file without the header that had writes ({_reason(error)})"
        ) from error
    return dict(header)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
