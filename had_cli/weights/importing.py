"""Weights that other systems released: read without running anything they hold, saved as ours."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli._version import __version__
from had_cli.errors import HadError, PluginError, WeightsError, plain
from had_cli.files import open_regular, refuse_existing
from had_cli.plugin import host
from had_cli.scenes.inputs import refuse_inputs
from had_cli.weights.file import Weights

_DEEPEST = 50  # levels of containers; checkpoints have two or three


def import_weights(
    source: str | Path,
    method: str,
    output: str | Path,
    *,
    overwrite: bool = False,
    warn: Callable[[str], None] = lambda _line: None,
) -> Weights:
    """Read what ``source`` holds by the importer of ``method``, and save it as weights.

    Parameters
    ----------
    source
        A file, or a folder where a method's weights were released as several.
    warn
        Called with one line that bears on the result.

    Raises
    ------
    PluginError
        When the method imports nothing.
    WeightsError
        When ``source`` is missing, damaged, or not what the method released.
    OutputError
        When ``output`` exists without ``overwrite`` or cannot be written.
    """
    from had_cli.weights.probe import probed

    description = host.method(method)
    if description.importer is None:
        raise PluginError(f"{method} imports no weights of other systems; had train -m {method} makes them")
    path = Path(source)
    refuse_inputs(output, [("the released file", path)])
    refuse_existing(Path(output), overwrite=overwrite)
    if not path.exists():
        raise WeightsError(f"{path}: there is no such file or folder; give what was released for {method}")
    if not path.is_file() and not path.is_dir():
        raise WeightsError(f"{path}: is no regular file; save what was released as one")
    weights = host.resolve(description.importer)(path)
    if not isinstance(weights, Weights) or weights.method != method:
        raise HadError(f"the importer of {method} returned no weights of {method}; an error in its plugin")
    history = {"imported_from": path.name, "versions": {"had": __version__}}
    weights = replace(weights, header={**history, **weights.header})
    return replace(weights, header=probed(weights, warn)).save(output, overwrite=overwrite)


def read_checkpoint(path: str | Path) -> Any:
    """Return what ``torch.save`` wrote to ``path``: tensors and plain containers, on the CPU.

    It is unpickled with ``weights_only=True``, so a file that holds code is refused and none of it
    runs.

    Raises
    ------
    WeightsError
        When the file is missing, damaged or holds anything but tensors and plain containers.
    """
    import pickle
    import warnings

    import torch

    path = Path(path)
    try:
        # of a form of pickle that is refused anyway
        with open_regular(path) as file, warnings.catch_warnings(action="ignore"):
            size = os.fstat(file.fileno()).st_size
            return _plain(torch.load(file, map_location="cpu", weights_only=True), path, size)
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file") from None
    except WeightsError:
        raise
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path}: holds code or objects beside tensors, or is damaged; nothing of it was executed"
        ) from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Exception as error:
        raise WeightsError(f"{path}: not a checkpoint of PyTorch, or one cut short; copy it again") from error


def _plain(content: Any, path: Path, size: int) -> Any:
    """Return a checkpoint with every tensor as a dense one of numbers that numpy has.

    bfloat16 and float16 become float32, which holds each of their values.
    """
    import torch

    def tensor(found: torch.Tensor, name: str) -> torch.Tensor:
        kind = str(found.dtype).removeprefix("torch.")
        odd = (
            "is nested"
            if found.is_nested
            else "has no values (meta)"
            if found.is_meta
            else f"is sparse ({found.layout})"
            if found.layout != torch.strided
            else f"is of type {kind}"
            if found.is_quantized or found.dtype not in _kinds()
            else f"declares {found.numel()} values, more than the file holds"
            if found.numel() * found.element_size() > size
            else None
        )
        if odd is not None:
            raise WeightsError(
                f"{path}: the tensor {plain(name)[:100]!r} {odd}; save dense tensors of real numbers"
            )
        short = found.dtype in {torch.bfloat16, torch.float16}
        found = found.detach()
        return found.to(torch.float32) if short else found

    def inside(value: Any, name: str, depth: int) -> Any:
        if isinstance(value, torch.Tensor):
            return tensor(value, name)
        if not isinstance(value, Mapping | list | tuple):
            return value
        if depth > _DEEPEST:
            raise WeightsError(
                f"{path}: its containers are nested more than {_DEEPEST} deep; save a state dict"
            )
        if isinstance(value, Mapping):
            return {key: inside(item, str(key), depth + 1) for key, item in value.items()}
        items = [inside(item, f"{name}[{i}]", depth + 1) for i, item in enumerate(value)]
        return tuple(items) if isinstance(value, tuple) else items

    return inside(content, "", 0)


@cache
def _kinds() -> frozenset[Any]:
    import torch

    integers = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64, torch.bool)
    return frozenset((*integers, torch.float16, torch.bfloat16, torch.float32, torch.float64))


def read_state_dict(path: str | Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a checkpoint that is a state dict: tensors by their names.

    Raises
    ------
    WeightsError
        As :func:`read_checkpoint`, and when the file holds something else.
    """
    import torch

    content = read_checkpoint(path)
    if not isinstance(content, Mapping) or not all(
        isinstance(name, str) and isinstance(tensor, torch.Tensor) for name, tensor in content.items()
    ):
        raise WeightsError(f"{path}: not a state dict (tensors by name)")
    return {name: np.asarray(tensor.numpy()) for name, tensor in content.items()}


def check_names(path: str | Path, method: str, found: Mapping[str, Any], expected: Mapping[str, Any]) -> None:
    """Check that a state dict has the tensors of the network, no fewer and no more.

    Parameters
    ----------
    found, expected
        Arrays, or anything else with a ``shape``, by name.

    Raises
    ------
    WeightsError
        Naming the first tensor that is missing, superfluous or of another shape.
    """
    wrong = {
        "lacks the tensor": sorted(set(expected) - set(found)),
        "has an unknown tensor": sorted(set(found) - set(expected)),
    }
    for complaint, names in wrong.items():
        if names:
            raise WeightsError(f"{path}: {complaint} {names[0]!r}; it is no network of {method}")
    for name, tensor in expected.items():
        if tuple(found[name].shape) != tuple(tensor.shape):
            raise WeightsError(
                f"{path}: tensor {name!r} has shape {tuple(found[name].shape)}, not {tuple(tensor.shape)}"
            )
