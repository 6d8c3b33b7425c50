"""TDD's full network against its definition transcribed word by word: time, memory and numbers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from had_tdd.learning import initialise
from had_tdd.network import Tdd

BANDS, SIZE, ROUNDS, PROCESSES = 162, 224, 5, 3
TESTS = Path(__file__).parents[1]

pytestmark = pytest.mark.benchmark

# One process each, because peak memory is that of a process, and one thread. Memory is counted from before
# the network is there, so its 187 MB of weights are part of both.
CHILD = """
import json, sys, time
from pathlib import Path
import torch

folder, kind = Path(sys.argv[1]), sys.argv[2]
sys.path.insert(0, sys.argv[3])
torch.set_num_threads(1)
x = torch.load(folder / "image.pt", weights_only=True)

from had_cli.bench.memory import peak_memory as peak

def network():
    from had_tdd.network import Tdd, fused
    from tdd_literal import Literal
    with torch.device("meta"):
        empty = Literal(x.shape[1]) if kind == "definition" else Tdd(x.shape[1])
    empty.load_state_dict(torch.load(folder / "state.pt", weights_only=True), assign=True)
    return empty.eval() if kind == "definition" else fused(empty.eval())

with torch.inference_mode():
    torch.nn.functional.conv2d(x, torch.rand(1, x.shape[1], 3, 3))  # loads what convolutions need
    before = peak()
    ready = network()
    seconds = []
    for _ in range(int(sys.argv[4])):
        start = time.process_time()
        y = ready(x)[-1] if kind == "definition" else ready.score(x)
        seconds.append(time.process_time() - start)
torch.save(y.squeeze().clone(), folder / f"{kind}.pt")
print(json.dumps({"seconds": min(seconds), "bytes": peak() - before}))
"""


def measured(folder: Path, kind: str) -> dict[str, float]:
    command = [sys.executable, "-c", CHILD, str(folder), kind, str(TESTS), str(ROUNDS)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_the_full_network_takes_two_thirds_of_the_time_and_a_third_of_the_memory_of_the_definition(tmp_path):
    network = Tdd(BANDS)
    initialise(network, 0)
    torch.save(network.state_dict(), tmp_path / "state.pt")
    image = torch.rand(1, BANDS, SIZE, SIZE, generator=torch.Generator().manual_seed(1))
    torch.save(image, tmp_path / "image.pt")
    # in turns, and of each the least: what the machine and the allocator add by chance is left out of both
    runs = [[measured(tmp_path, kind) for kind in ("definition", "ours")] for _ in range(PROCESSES)]
    definition, ours = (
        {what: min(run[what] for run in each) for what in each[0]} for each in zip(*runs, strict=True)
    )
    expected, found = (torch.load(tmp_path / f"{kind}.pt") for kind in ("definition", "ours"))
    faster = definition["seconds"] / ours["seconds"]
    smaller = ours["bytes"] / definition["bytes"]
    apart = float(((found - expected).abs() / expected.abs().max()).max())
    print(
        f"\n{SIZE} x {SIZE} x {BANDS}, one thread: definition {definition['seconds']:.2f} s and "
        f"{definition['bytes'] / 1e6:.0f} MB, here {ours['seconds']:.2f} s and {ours['bytes'] / 1e6:.0f} MB: "
        f"{faster:.2f}x as fast, {smaller:.2f} of the memory, {apart:.1e} apart"
    )
    assert faster >= 1.5
    assert smaller <= 1 / 3
    assert apart <= 1e-4
