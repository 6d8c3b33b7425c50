"""Where the teacher's weights come from: ImageNet, a file, or a seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch

from had_cli.plugin import WeightsError, check_names, read_checkpoint
from had_ferd.network import Encoder, initialise

# The public PyTorch file of wide_resnet101_2, trained on ImageNet. As all of that collection, its name
# carries the first eight digits of its sha256.
IMAGENET_URL = "https://download.pytorch.org/models/wide_resnet101_2-32ee1156.pth"
UNUSED = ("conv1.", "bn1.", "layer4.", "fc.")  # of the full network: stem, last stage, classes


def load_backbone(choice: str, seed: int) -> tuple[Encoder, dict[str, Any]]:
    """Return the teacher and what it is, for the header of the weights.

    Parameters
    ----------
    choice
        ``imagenet``, ``random``, or the path of a PyTorch state dict of wide_resnet101_2.

    Raises
    ------
    WeightsError
        When the file cannot be had, is damaged, or belongs to another network.
    """
    encoder = Encoder(stages=3)
    if choice == "random":
        initialise(encoder, torch.Generator().manual_seed(seed))
        return encoder, {"kind": "random", "seed": seed}
    path = imagenet_file(IMAGENET_URL) if choice == "imagenet" else Path(choice)
    encoder.load_state_dict(
        read_backbone(path, "ferd's teacher, a wide_resnet101_2", UNUSED, encoder.state_dict())
    )
    kind = "imagenet" if choice == "imagenet" else "file"
    return encoder, {"kind": kind, "file": path.name, "sha256": file_sha256(path)}


def read_backbone(
    path: Path, network: str, unused: tuple[str, ...], expected: Mapping[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Return the tensors of a public state dict that a backbone takes, by their public names.

    Parameters
    ----------
    network
        What is expected, for messages.
    unused
        How names begin that the backbone leaves out.
    expected
        A state dict with the names and shapes that it takes.

    Raises
    ------
    WeightsError
        When the file is damaged, no state dict, or of another network.
    """
    held = read_checkpoint(path)
    if not isinstance(held, Mapping):
        raise WeightsError(f"{path}: not a state dict (tensors by name)")
    kept = {
        name: tensor
        for name, tensor in held.items()
        if isinstance(tensor, torch.Tensor) and not str(name).startswith(unused)
    }
    # files of old versions of torch do not count batches, and nothing here does
    counters = {n: t for n, t in expected.items() if n.endswith("num_batches_tracked")}
    kept = {**counters, **kept}
    check_names(path, network, kept, expected)
    return kept


def imagenet_file(url: str, *, option: str = "--backbone") -> Path:
    """Return the public file, downloaded on first use to where torch keeps such files.

    ``option`` is what the user chose it by, for messages.

    Raises
    ------
    WeightsError
        When it cannot be downloaded, or its hash is not the one in its name.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[1]
    digits = path.stem.rsplit("-", 1)[1]
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), hash_prefix=digits, progress=False)
        except (URLError, OSError) as error:
            reason = getattr(error, "reason", None) or error
            raise WeightsError(
                f"{url}: cannot be downloaded ({reason}); get it elsewhere and give {option} FILE, or use "
                f"{option} random"
            ) from error
        except RuntimeError as error:
            raise WeightsError(f"{url}: the download is not the file its name says; try again") from error
    if not file_sha256(path).startswith(digits):
        raise WeightsError(
            f"{path}: damaged, its sha256 does not begin with {digits}; delete it, and try again"
        )
    return path


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
