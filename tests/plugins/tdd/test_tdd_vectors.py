"""The network, its attentions and its loss give what the released system gives."""

from pathlib import Path

import pytest
import torch
from tdd_vectors import alike, image, state, vector

from had_cli.weights.file import load_weights
from had_tdd.attention import GlobalAttention, LocalAttention
from had_tdd.loss import supervised_loss
from had_tdd.network import Tdd
from had_tdd.released import import_weights
from had_tdd.weights import from_weights

CHECKPOINT = "checkpoint-model.pth"


@pytest.mark.parametrize(
    ("name", "attention"),
    [("gam", GlobalAttention(16)), ("lam", LocalAttention(16, form="released"))],
)
def test_an_attention_alone_is_that_of_the_released_system(shared: Path, name, attention):
    attention.load_state_dict(state(shared, f"tdd_{name}", name))
    with torch.inference_mode():
        output = attention(image(shared, f"tdd{name}", 20, 18, 16))
    alike(output, vector(shared, f"tdd_{name}")["output"])


def test_the_six_outputs_of_an_imported_checkpoint_are_those_of_the_released_system(
    shared: Path, tmp_path: Path
):
    torch.save(state(shared, "tdd_12", CHECKPOINT), tmp_path / CHECKPOINT)
    import_weights(tmp_path).save(tmp_path / "tdd.safetensors")
    network = from_weights(load_weights(tmp_path / "tdd.safetensors", method="tdd")).network
    with torch.inference_mode():
        outputs = network(image(shared, "tdd", 224, 224, 12))
    expected = vector(shared, "tdd_12")
    for number, logits in enumerate(outputs):
        alike(logits.sigmoid(), expected[f"pred{number}"])


def test_the_loss_of_a_training_pass_is_that_of_the_released_system(shared: Path):
    network = Tdd(12)
    network.load_state_dict(state(shared, "tdd_12", CHECKPOINT))
    target = torch.zeros(1, 1, 224, 224)
    target[..., 70:95, 100:131] = 1
    with torch.no_grad():
        loss = supervised_loss(network.train()(image(shared, "tdd", 224, 224, 12)), target)
    alike(loss, vector(shared, "tdd_12")["train_loss"])


def test_the_published_network_has_46_6_million_parameters():
    with torch.device("meta"):
        assert sum(p.numel() for p in Tdd(162).parameters()) == 46_638_873
