"""Run every installed method on a generated GeoTIFF, one command each, and print what it took.

    python tests/install/every_method.py HAD FOLDER [DISTRIBUTION]

HAD is the command of the environment that is looked at, FOLDER is made and filled. Methods are those that
`had plugins --json` lists of DISTRIBUTION (default: had). Each must leave a map; of another distribution, one
that needs weights and brings none must say so in one line. The exit status is 1 where one does not.

It needs nothing but the standard library: the environment may hold nothing but the wheel.
"""

# ruff: noqa: T201 - it prints what it found
from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path


def main(had: str, folder: Path, distribution: str = "had") -> int:
    """Return the exit status."""
    folder.mkdir(parents=True)
    run(had, folder, "demo", "made", "--quiet")
    # a part of it: nl2net trains on what it is given, and two cores take minutes for the whole
    window = ("--window", "40", "40", "32", "32")
    run(had, folder, "convert", "made/flightline.hdr", "scene.tif", *window, "--quiet")
    plugins = json.loads(run(had, folder, "plugins", "--json").stdout)["plugins"]
    broken = [plugin["name"] for plugin in plugins if plugin["state"] != "ok"]
    print(f"broken plugins: {', '.join(broken) or 'none'}")
    uses = {}
    for plugin in plugins:
        if plugin["distribution"] == distribution:
            uses |= plugin["weights"]
    if distribution == "had":  # all of ours work out of the box
        broken += [name for name, use in uses.items() if use["use"] == "required" and not use["bundled"]]
    wrong = broken + [name for name, use in uses.items() if not tried(had, folder, name, use)]
    return 1 if wrong or not uses else 0


def tried(had: str, folder: Path, method: str, use: dict) -> bool:
    """Run one method and tell whether it did as promised."""
    out = folder / f"{method}.tif"
    start = time.perf_counter()
    done = run(had, folder, "detect", "-m", method, "scene.tif", "-o", out.name, "--json", check=False)
    seconds = time.perf_counter() - start
    if use["use"] == "required" and not use["bundled"]:
        right = (
            done.returncode == 1 and done.stderr.count("\n") == 1 and "needs trained weights" in done.stderr
        )
        print(f"{method:8} brings no weights and says so: {right}")
        return right and not out.exists()
    if done.returncode:
        print(f"{method:8} failed: {done.stderr}")
        return False
    told = json.loads(done.stdout)
    info = json.loads(run(had, folder, "info", out.name, "--json").stdout)
    right = out.is_file() and told["valid_pixels"] > 0 and (info["rows"], info["bands"]) == (told["rows"], 1)
    weights = f", weights {told['weights']}" if told["weights"] else ""
    size = f"{told['rows']} x {told['cols']} pixels, {told['bands']} bands"
    print(f"{method:8} {seconds:6.1f} s in all, {told['seconds']:.1f} s detecting; {size}{weights}: {right}")
    return right


def run(had: str, folder: Path, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder."""
    done = subprocess.run([had, *words], cwd=folder, capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"had {' '.join(words)} failed: {done.stderr}")
    return done


if __name__ == "__main__":
    sys.exit(main(str(Path(sys.argv[1]).absolute()), Path(sys.argv[2]), *sys.argv[3:]))
