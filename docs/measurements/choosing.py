"""Measure every method that runs without being given weights, and write the tables of docs/guide/choosing.md.

    python docs/measurements/choosing.py [--folder BENCH] [--methods grx,slrx] [--dry] SCENE_OR_FOLDER...

Scenes need a truth; a scene should be named once, not in two files. Methods are found by themselves: those
that use no weights, those that need none, and those that weights come with. BENCH keeps what is done, as that
of `had bench`, so an interrupted measurement goes on; give a new folder to measure times again, on a machine
with nothing else to do. --dry prints the tables and leaves the page as it is.

Nothing is chosen by the figures. Scenes that the bundled weights were trained on are known from the weights'
headers, by name and by the hash of their pixels, and are marked: figures on them say how well a network
remembers.
"""

from __future__ import annotations

import argparse
import math
import os
import re
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import had_cli
from had_cli.bench.configurations import Configuration, configure
from had_cli.bench.plan import Conditions
from had_cli.bench.results import BenchResults
from had_cli.bench.run import Voice, run_bench
from had_cli.plugin import host
from had_cli.plugin.descriptions import Method
from had_cli.scenes.fingerprint import scene_hash
from had_cli.weights.chosen import weights_for

PAGE = Path(__file__).resolve().parents[1] / "guide" / "choosing.md"
_REGION = re.compile(r"(<!-- measured: choosing -->\n).*?(<!-- end -->)", re.DOTALL)
Known = Mapping[str, frozenset[str]]  # method -> scenes that its weights were trained on


def main(words: Sequence[str]) -> None:
    """Measure, print the tables and write them into the page."""
    parser = argparse.ArgumentParser(description="Measure methods on scenes for docs/guide/choosing.md.")
    parser.add_argument("scenes", nargs="+", metavar="SCENE_OR_FOLDER")
    parser.add_argument("--folder", default="choosing", help="where the bench keeps its results")
    parser.add_argument("--methods", help="names, separated by commas; default: all that can be run")
    parser.add_argument("--dry", action="store_true", help="leave the page as it is")
    given = parser.parse_args(words)
    methods = given.methods.split(",") if given.methods else sorted(runnable())
    configurations = configure(methods)
    voice = Voice(
        note=lambda line: print(line, file=sys.stderr), fail=lambda line: print(line, file=sys.stderr)
    )
    found = run_bench(
        given.scenes, configurations, given.folder, conditions=Conditions(device="cpu"), voice=voice
    )
    if found.failed:
        sys.exit(f"{len(found.failed)} cells failed; the tables would compare different scenes")
    left_out = sorted(set(host.methods()) - set(methods))
    text = tables(found, trained_on(configurations, found), left_out)
    print(text)
    if not given.dry:
        page = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(_REGION.sub(lambda match: f"{match[1]}{text}\n{match[2]}", page), encoding="utf-8")


def runnable() -> list[str]:
    """Return the methods that run on a scene and nothing else."""
    return [name for name, method in host.methods().items() if method.weights != "required" or method.bundled]


def trained_on(configurations: Sequence[Configuration], found: BenchResults) -> Known:
    """Return the scenes of the bench that each method's weights were trained on, by name or by pixels."""
    hashes = {}
    for scene in found.results["scenes"]:
        with had_cli.open_scene(scene["path"]) as opened:
            hashes[scene["name"]] = scene_hash(opened)
    known = {}
    for configuration in configurations:
        weights = weights_for(host.method(configuration.method), configuration.weights)
        told = weights.header.get("scenes", []) if weights is not None else []
        seen = {scene.get(key) for scene in told for key in ("name", "sha256")}
        known[configuration.label] = frozenset(n for n, pixels in hashes.items() if seen & {n, pixels})
    return known


def tables(found: BenchResults, known: Known, left_out: Sequence[str] = ()) -> str:
    """Return both tables, and how they were measured."""
    parts = [_summary(found, known), _by_scene(found, known)]
    sizes = [scene["rows"] * scene["cols"] for scene in found.results["scenes"]]
    told = f"{len(sizes)} scenes of {min(sizes)} to {max(sizes)} pixels, on the CPU"
    machine = f"{_processor()}, {os.cpu_count()} cores"
    lines = [f"Measured by had {found.results['version']} on {told} ({machine})."]
    if any(known.values()):
        lines.append("\\* The weights were trained on this scene.")
    if left_out:
        lines.append(f"Not measured: {', '.join(f'`{name}`' for name in left_out)}.")
    return "\n\n".join([*parts, " ".join(lines)])


def _summary(found: BenchResults, known: Known) -> str:
    auc, seconds, memory = found.values("auc_df"), found.costs("seconds"), found.costs("peak_memory")
    head = "| method | mean AUC(D,F) | on scenes not trained on | seconds a scene | peak memory | needs |"
    rows = [head, "|---|---|---|---|---|---|"]
    for method in found.results["methods"]:
        label = method["label"]
        new = [scene for scene in found.scenes if scene not in known[label]]
        fresh = f"{_mean([auc[s][label] for s in new])} ({len(new)})" if new else "none left: see its card"
        took = statistics.median(seconds[scene][label] for scene in found.scenes)
        peak = max(memory[scene][label] for scene in found.scenes)
        cells = [
            f"`{label}`",
            _mean([auc[scene][label] for scene in found.scenes]),
            fresh,
            f"{took:.2g}",
            f"{peak / 2**20:.0f} MiB",
            _needs(host.method(method["method"]), method["weights"]),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _by_scene(found: BenchResults, known: Known) -> str:
    auc = found.values("auc_df")
    rows = [f"| scene | {' | '.join(found.labels)} |", "|---|" + "---|" * len(found.labels)]
    for scene in found.scenes:
        cells = [
            _shown(auc[scene][label]) + (" \\*" if scene in known[label] else "") for label in found.labels
        ]
        rows.append(f"| {scene} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _needs(method: Method, weights: str | None) -> str:
    if weights is not None:
        return f"weights; {weights} come with it"
    return "nothing" if method.weights == "none" else "nothing; can take weights"


def _mean(values: Sequence[float]) -> str:
    return _shown(statistics.fmean(values))


def _shown(value: float) -> str:
    return "undefined" if math.isnan(value) else f"{value:.4f}"


def _processor() -> str:
    """Return what the processor calls itself, where the system tells."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"


if __name__ == "__main__":
    main(sys.argv[1:])
