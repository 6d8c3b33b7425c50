"""The teacher's weights: the public file with its hash checked, a file of the user's, or a seed."""

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import small
import torch

from had_cli.errors import WeightsError
from had_ferd import backbone
from had_ferd.backbone import imagenet_file, load_backbone
from had_ferd.network import Encoder


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    small.shrink(monkeypatch.setattr)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))


def full_state(**changes) -> dict:
    """Return a state dict with the parts of the full network that the teacher has no use for."""
    encoder, _ = load_backbone("random", 7)
    state = {n: t for n, t in encoder.state_dict().items() if not n.endswith("num_batches_tracked")}
    unused = {
        "conv1.weight": torch.zeros(2),
        "bn1.bias": torch.zeros(2),
        "layer4.0.conv1.weight": torch.zeros(2),
    }
    return {**state, **unused, "fc.weight": torch.zeros(2), **changes}


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder; yield it and its URL."""
    folder = tmp_path / "site"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def publish(folder: Path, content: bytes | None = None) -> str:
    """Write the public file into a folder and return its name, which carries its hash."""
    torch.save(full_state(), folder / "new")
    digest = hashlib.sha256((folder / "new").read_bytes()).hexdigest()
    path = folder / f"wide-{digest[:8]}.pth"
    (folder / "new").rename(path)
    if content is not None:
        path.write_bytes(content)
    return path.name


def test_a_random_teacher_is_drawn_by_the_seed():
    (first, _), (again, facts), (other, _) = (load_backbone("random", seed) for seed in (1, 1, 2))
    assert facts == {"kind": "random", "seed": 1}
    weight = [e.state_dict()["layer2.0.conv2.weight"] for e in (first, again, other)]
    assert torch.equal(weight[0], weight[1])
    assert not torch.equal(weight[0], weight[2])


def test_a_file_of_the_full_network_gives_the_teacher(tmp_path: Path):
    path = tmp_path / "wide.pth"
    torch.save(full_state(), path)
    encoder, facts = load_backbone(str(path), 0)
    assert isinstance(encoder, Encoder)
    expected, _ = load_backbone("random", 7)
    assert all(torch.equal(t, expected.state_dict()[n]) for n, t in encoder.state_dict().items())
    assert facts == {
        "kind": "file",
        "file": "wide.pth",
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }


def test_the_public_file_is_downloaded_once_and_checked(site, monkeypatch):
    folder, url = site
    name = publish(folder)
    monkeypatch.setattr(backbone, "IMAGENET_URL", f"{url}/{name}")
    encoder, facts = load_backbone("imagenet", 0)
    assert facts["kind"] == "imagenet"
    assert encoder.state_dict()["layer1.0.conv1.weight"].any()
    (folder / name).unlink()
    assert load_backbone("imagenet", 0)[1] == facts


def test_a_download_with_another_hash_is_refused_and_not_kept(site, tmp_path: Path):
    folder, url = site
    name = publish(folder, b"something else")
    with pytest.raises(WeightsError, match="the download is not the file its name says"):
        imagenet_file(f"{url}/{name}")
    assert not (tmp_path / "torch" / "hub" / "checkpoints" / name).exists()


def test_a_file_damaged_after_the_download_is_refused(site, tmp_path: Path):
    folder, url = site
    path = imagenet_file(f"{url}/{publish(folder)}")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="damaged, its sha256 does not begin with"):
        imagenet_file(f"{url}/{path.name}")


def test_without_network_the_remedy_is_named(site):
    _, url = site
    for nowhere in (f"{url}/wide-00000000.pth", "http://127.0.0.1:9/wide-00000000.pth"):
        with pytest.raises(
            WeightsError, match=r"cannot be downloaded .* give --backbone FILE, or use --backbone random"
        ) as e:
            imagenet_file(nowhere)
        assert "\n" not in str(e.value)


def test_files_of_other_networks_are_refused(tmp_path: Path):
    path = tmp_path / "other.pth"
    for changes, complaint in (
        ({"layer1.0.conv1.weight": torch.zeros(3)}, "'layer1.0.conv1.weight' has shape"),
        ({"layer9.weight": torch.zeros(3)}, "unknown tensor 'layer9.weight'"),
    ):
        torch.save(full_state(**changes), path)
        with pytest.raises(WeightsError, match=complaint):
            load_backbone(str(path), 0)
    with pytest.raises(WeightsError, match="there is no such file"):
        load_backbone(str(tmp_path / "none.pth"), 0)
    torch.save([1, 2], path)
    with pytest.raises(WeightsError, match="not a state dict"):
        load_backbone(str(path), 0)
