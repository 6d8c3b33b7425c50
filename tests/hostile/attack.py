"""The attack: generated hostile cases over every class of input, and what became of each.

``python tests/hostile/attack.py --cases 2400 --seed 15`` runs it whole (``make fuzz``); a test runs a
tenth. A case is a function of its class and its number alone, so one that fails is run again by
``--only CLASS:NUMBER``, which keeps its folder.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import itertools
import json
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from typing import Self

from attack_case import Case, Maker
from attack_classes import CLASSES

SECONDS = 60.0  # a case that takes longer hangs
SPACE = 6 << 30  # of address space, over what the server has: reserved, not used
USED = 1 << 30  # of memory, over what the server has
VERDICTS = (
    *("error", "result"),  # as it should be: one line and exit status 1 or 2, or exit status 0
    *(
        "traceback",
        "unclear",
        "crash",
        "hang",
        "memory",
        "lost input",
        "left file",
        "executed code",
        "network",
    ),
)
SOUND = ("error", "result")


@dataclass(frozen=True)
class Outcome:
    """How a case ended."""

    name: str
    verdict: str
    words: str
    said: str
    seconds: float
    computed: float
    memory: int


class Server:
    """A forking server; ``module`` is imported instead of the program had where a test says so."""

    module = ""
    seconds, space = SECONDS, SPACE

    def __init__(self, temporary: Path, *, torch: bool) -> None:
        self.temporary = temporary
        (temporary / "home").mkdir(parents=True)
        environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("HAD_")},
            **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
            "HAD_CONFIG": "",
            "COLUMNS": "200",
            "NO_COLOR": "1",
            "HOME": str(temporary / "home"),
            "TMPDIR": str(temporary),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("attack_server.py")), *["torch"] * torch],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self._process.stdout.readline() == "ready\n"
        self.idle = 0

    def run(self, folder: Path, case: Case) -> dict:
        """Return how a case ended."""
        self.begin(folder, case)
        return self.ended()

    def begin(self, folder: Path, case: Case, **more: str) -> int:
        """Begin a case, and return the number of its process."""
        job = {
            "folder": str(folder),
            "words": [os.fsencode(word).hex() for word in case.words],
            "environment": {"CANARY": str(folder.parent / "canary"), **case.environment},
            "seconds": self.seconds,
            "bytes": self.space,
            "module": self.module,
            **more,
        }
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())["child"]

    def ended(self) -> dict:
        """Return how the case at hand ended."""
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """End it."""
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def contents(folder: Path) -> dict[str, str]:
    """Return what tells the content of everything in a folder, by name."""
    found = {}
    for root, folders, names in os.walk(folder):
        for name in [*folders, *names]:
            path = Path(root, name)
            kind = path.lstat().st_mode
            if stat.S_ISREG(kind):
                found[str(path.relative_to(folder))] = hashlib.sha256(path.read_bytes()).hexdigest()
            else:
                link = str(path.readlink()) if stat.S_ISLNK(kind) else ""
                found[str(path.relative_to(folder))] = f"{stat.S_IFMT(kind)} {link}"
    return found


class Attack:
    """Runs cases, a few at a time.

    Parameters
    ----------
    folder
        Each case gets a folder in it; those of sound cases are removed.
    """

    def __init__(self, folder: Path, seed: int, workers: int = 2) -> None:
        self.folder, self.seed = folder, seed
        self._idle: dict[bool, Queue[Server]] = {True: Queue(), False: Queue()}
        self._all = []
        for torch, number in itertools.product((True, False), range(workers)):
            server = Server(folder / "tmp" / f"{number}{torch}", torch=torch)
            self._all.append(server)
            self._idle[torch].put(server)
        self._workers = workers

    def __enter__(self) -> Self:
        probe = self.folder / "idle" / "here"
        probe.mkdir(parents=True)
        for server in self._all:
            server.idle = server.run(probe, Case(["--version"]))["memory"]
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._all:
            server.close()

    def run(self, chosen: list[tuple[str, int, Maker]]) -> Iterator[Outcome]:
        """Yield the outcome of each case, in order."""
        with ThreadPoolExecutor(self._workers) as pool:
            yield from pool.map(lambda case: self.one(*case), chosen)

    def one(self, kind: str, number: int, maker: Maker) -> Outcome:
        """Return the outcome of one case."""
        name = f"{kind}:{number}"
        top = self.folder / f"{kind}-{number}"
        here = top / "here"
        here.mkdir(parents=True)
        case = maker(random.Random(f"{self.seed} {name}"), here)
        before = contents(here)
        torch = not {"nl2net", "tdd", "ferd", "fers", "models", "train"}.isdisjoint(case.words)
        server = self._idle[torch].get()
        try:
            ended = server.run(here, case)
            stray = [path for path in server.temporary.iterdir() if path.name != "home"]
            verdict, said = self._judge(top, case, before, ended, ended["memory"] - server.idle)
            if stray and verdict in SOUND:
                verdict, said = "left file", f"in TMPDIR: {stray[0].name}"
            for path in stray:
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        finally:
            self._idle[torch].put(server)
        if verdict in SOUND:
            shutil.rmtree(top, ignore_errors=True)
        words = " ".join(word if len(word) < 60 else f"{word[:40]}...({len(word)})" for word in case.words)
        return Outcome(name, verdict, words, said[-600:], *(ended[n] for n in ("seconds", "computed")), 0)

    @staticmethod
    def _judge(top: Path, case: Case, before: dict, ended: dict, memory: int) -> tuple[str, str]:
        said = (top / "err").read_text("utf-8", "replace") if (top / "err").exists() else ""
        after = contents(top / "here")
        new = sorted(set(after) - set(before))
        hidden = [name for name in new if any(p.startswith((".had-", "torchind")) for p in Path(name).parts)]
        if (top / "canary").exists():
            return "executed code", said
        if any(after.get(name) != content for name, content in before.items() if name not in case.replaced):
            return "lost input", said
        if ended["late"]:
            return "hang", said
        if ended["status"] < 0:
            return "crash", f"signal {-ended['status']} {said}"
        if "Traceback" in said or "had: unexpected" in said or "Exception ignored" in said:
            return "traceback", said
        if ended["status"] not in {0, 1, 2}:
            return "crash", f"status {ended['status']} {said}"
        if ended["left"] or hidden or (new and ended["status"] and not case.parts):
            return "left file", f"{(hidden or new or ['a process'])[:3]} {said}"
        if memory > USED:
            return "memory", f"{memory >> 20} MiB {said}"
        if ended["status"]:
            several = {"verify", "detect"} & set(case.words)  # a line for each of what they are given
            return Attack._told(ended["status"], said, inputs=len(case.words) if several else 1)
        return ("unclear", said) if "Warning" in said else ("result", said)

    @staticmethod
    def _told(status: int, said: str, inputs: int) -> tuple[str, str]:
        """Judge what a failure says: had's line for each input behind its notes, or the parser's usage."""
        lines = said.splitlines()
        if status == 2 and lines and lines[-1].startswith("Error: "):
            return "error", said
        ours = [line for line in lines if line.startswith("had: ")]
        clear = 0 < len(ours) <= inputs and lines[-1] == ours[-1] and max(map(len, ours)) < 1500
        return ("error" if clear and all(map(str.isprintable, lines)) else "unclear"), said


def table(outcomes: list[Outcome]) -> str:
    """Return counts per class."""
    kinds = list(dict.fromkeys(outcome.name.split(":")[0] for outcome in outcomes))
    counts = {kind: Counter() for kind in kinds}
    for outcome in outcomes:
        counts[outcome.name.split(":")[0]][outcome.verdict] += 1
    total = sum(counts.values(), Counter())
    lines = [f"{'class':22}{'cases':>7}" + "".join(f"{verdict:>15}" for verdict in VERDICTS)]
    for kind, row in [*counts.items(), ("all", total)]:
        lines.append(f"{kind:22}{row.total():7}" + "".join(f"{row[v] or '-':>15}" for v in VERDICTS))
    return "\n".join(lines)


def chosen_cases(cases: int, seed: int, only: str | None = None) -> list[tuple[str, int, Maker]]:
    """Return about ``cases`` cases, of each class at least one, those of all classes in turn."""
    if only is not None:
        kind, _, number = only.partition(":")
        count = max(1, round(cases * CLASSES[kind][1] / sum(weight for _, weight in CLASSES.values())))
        return [(kind, n, CLASSES[kind][0]) for n in ([int(number)] if number else range(count))]
    share = sum(weight for _, weight in CLASSES.values())
    return [
        (kind, number, maker)
        for kind, (maker, weight) in CLASSES.items()
        for number in range(max(1, round(cases * weight / share)))
    ]


def main() -> int:
    """Run the attack; return how many cases are not as they should be, at most 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=2400)
    parser.add_argument("--seed", type=int, default=15)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", metavar="CLASS[:NUMBER]", help="one class, or one case")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="had-attack-"))
    outcomes = []
    chosen = chosen_cases(given.cases, given.seed, given.only)
    random.Random(given.seed).shuffle(chosen)  # a run that is ended early has met every class
    with Attack(folder, given.seed, given.workers) as attack, contextlib.suppress(KeyboardInterrupt):
        for outcome in attack.run(chosen):
            outcomes.append(outcome)
            if outcome.verdict not in SOUND or (given.only and ":" in given.only):
                print(
                    f"{outcome.verdict}: {outcome.name}: had {outcome.words}\n    {outcome.said.strip()}",
                    flush=True,
                )
            if not len(outcomes) % 100:
                print(f"{len(outcomes)} of {len(chosen)}", flush=True)
    print(table(sorted(outcomes, key=lambda o: list(CLASSES).index(o.name.split(":")[0]))))
    slow = sorted(outcomes, key=lambda o: -o.seconds)[:3]
    print(f"{sum(o.computed for o in outcomes):.0f} s of processors in all;", end=" ")
    print("slowest:", *(f"{o.name} {o.seconds:.1f} s;" for o in slow))
    bad = [outcome for outcome in outcomes if outcome.verdict not in SOUND]
    if bad:
        print(f"{len(bad)} of {len(outcomes)} cases are not as they should be; their folders: {folder}")
    else:
        shutil.rmtree(folder)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
