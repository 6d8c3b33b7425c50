"""Weights that other systems released: read without running anything they hold, saved as ours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli._version import __version__
from had_cli.errors import HadError, PluginError, WeightsError
from had_cli.files import open_regular, refuse_existing
from had_cli.plugin import host
from had_cli.scenes.inputs import refuse_inputs
from had_cli.weights.file import Weights


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
            return torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file") from None
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path}: holds code or objects beside tensors, or is damaged; nothing of it was executed"
        ) from error
    except (RuntimeError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise WeightsError(f"{path}: not a checkpoint of PyTorch, or one cut short; copy it again") from error
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from error


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
    return {name: np.asarray(tensor.detach().numpy()) for name, tensor in content.items()}


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
