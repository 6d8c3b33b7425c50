"""How well tdd finds in scenes that it was not trained on: AUC after each epoch, against GRX.

    python docs/measurements/tdd_transfer.py --train a.mat b.mat --test c.mat d.mat --seed 0 -o table.jsonl

trains as ``had train -m tdd --recipe dependable --network-bands 200`` does, on CPU, and prints a line of
JSON for every epoch from ``--from-epoch`` on. Truths are read after the training of an epoch, and change
nothing in it. Options of ``had train -m tdd`` are given as ``--set name=value``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

from had_cli import detect
from had_cli.detection.parameters import check_params
from had_cli.plugin import host
from had_cli.scenes.open import open_scene
from had_cli.training.job import TrainingJob
from had_cli.training.loop import TrainingLoop
from had_tdd.settings import settled
from had_tdd.trainer import Training


def main() -> None:
    """Train, and print what the networks find."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", nargs="+", required=True)
    parser.add_argument("--test", nargs="+", required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--from-epoch", type=int, default=1)
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--save", type=Path, help="Keep the weights of the last epoch.")
    options = parser.parse_args()
    method = host.method("tdd")
    kinds = {param.name: param.type for param in method.train_params}
    given: dict[str, Any] = {"recipe": "dependable", "network_bands": 200}
    for word in options.set:
        name, _, text = word.partition("=")
        given[name] = text.lower() in {"1", "true", "yes"} if kinds[name] is bool else kinds[name](text)
    params = settled(SimpleNamespace(**check_params(method, given, training=True)))
    job = TrainingJob(
        scenes=[open_scene(path) for path in options.train],
        device="cpu",
        seed=options.seed,
        output=Path("unused.safetensors"),
        checkpoint=None,
        resume=False,
        progress=lambda *_, **__: None,
        warn=print,
    )
    start = time.process_time()

    def write(record: dict[str, Any]) -> None:
        line = json.dumps(record)
        print(line, flush=True)
        with options.output.open("a") as file:
            file.write(line + "\n")

    def after(loop: TrainingLoop) -> None:
        if loop.epoch < options.from_epoch:
            return
        with TemporaryDirectory() as folder:
            path = Path(folder, "tdd.safetensors")
            training.weights(loop).save(path)
            found = {
                Path(scene).stem: detect(scene, "tdd", weights=path, device="cpu").evaluation
                for scene in options.test
            }
        auc = {name: round(one.auc, 4) for name, one in found.items() if one is not None}
        write(
            {
                "epoch": loop.epoch,
                "loss": round(loop.losses()[-1], 4),
                "auc": auc,
                "mean": round(sum(auc.values()) / len(auc), 4),
                "cpu_seconds": round(time.process_time() - start),
            }
        )

    names = {"train": [Path(p).stem for p in options.train], "test": [Path(p).stem for p in options.test]}
    write({**names, "seed": options.seed, "settings": vars(params)})
    training = Training(job, params)
    loop = TrainingLoop(job, training.plan()).run(after)
    if options.save is not None:
        training.weights(loop).save(options.save, overwrite=True)


if __name__ == "__main__":
    main()
