"""Networks out of ``had``: files that plain PyTorch or ONNX Runtime run, with no code of ours."""

from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from had_cli.errors import HadError, OutputError, PluginError, UsageError
from had_cli.files import refuse_existing, write_whole
from had_cli.plugin import host
from had_cli.scenes.inputs import refuse_inputs
from had_cli.weights.file import Weights
from had_cli.weights.models import find_weights

KEY = "had.json"  # the header of the weights, inside the exported file
SUFFIXES = (".pt2", ".onnx")


@dataclass(frozen=True, kw_only=True)
class Network:
    """What a method's ``exporter`` returns: a network with one input and one output.

    Attributes
    ----------
    module : a ``torch.nn.Module`` in inference mode
    example : a tensor it takes; two samples, if the number of samples is free
    free : names of the axes of the input that may have any length, by their index
    input, output : their names
    """

    module: Any
    example: Any
    free: dict[int, str]
    input: str
    output: str


def export_weights(weights: str | Path, output: str | Path, *, overwrite: bool = False) -> Weights:
    """Write the network of a weights file for use without ``had``, and return the weights.

    Parameters
    ----------
    weights
        A file, or a name (:func:`had_cli.weights.models.find_weights`).
    output
        ``.pt2`` writes what ``torch.export.load`` reads, ``.onnx`` an ONNX file. Both carry the
        header of the weights as JSON under ``had.json``.

    Raises
    ------
    UsageError
        When the suffix is another.
    PluginError
        When the method exports nothing.
    WeightsError
        When the weights cannot be read.
    OutputError
        When the output exists without ``overwrite``, cannot be written, or a package is missing.
    """
    path = Path(output)
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"{path}: networks are exported as {' or '.join(SUFFIXES)}; give one of them")
    model = find_weights(weights)
    refuse_inputs(path, [("the weights file", str(model.path))])
    refuse_existing(path, overwrite=overwrite)
    loaded = model.load()
    description = host.method(loaded.method)
    if description.exporter is None:
        raise PluginError(f"{loaded.method} exports no network; its weights serve had detect alone")
    network = host.resolve(description.exporter)(loaded)
    if not isinstance(network, Network):
        raise HadError(f"the exporter of {loaded.method} returned no Network; an error in its plugin")
    header = json.dumps({**loaded.header, "method": loaded.method, "weights_sha256": loaded.hash})
    with _quiet():
        content = (_pt2 if suffix == ".pt2" else _onnx)(network, header)
    write_whole(path, content, overwrite=overwrite)
    return loaded


def _pt2(network: Network, header: str) -> bytes:
    import torch

    free = dict.fromkeys(network.free, torch.export.Dim.AUTO)
    program = torch.export.export(network.module, (network.example,), dynamic_shapes=(free,))
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={KEY: header})
    return buffer.getvalue()


def _onnx(network: Network, header: str) -> bytes:
    import torch

    try:
        import onnx
        import onnxscript  # noqa: F401 - torch asks for it halfway through
    except ImportError as error:
        raise OutputError(
            f"an ONNX file needs the package {error.name}: pip install 'had[export]', or export as .pt2"
        ) from error
    program = torch.onnx.export(
        network.module,
        (network.example,),
        dynamo=True,
        dynamic_shapes=(network.free,),
        input_names=[network.input],
        output_names=[network.output],
        verbose=False,
    )
    assert program is not None  # noqa: S101 - so it is with dynamo
    model = program.model_proto
    onnx.helper.set_model_props(model, {KEY: header})
    return bytes(model.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep to ourselves what torch says to its own developers while it exports."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logger.setLevel(level)
