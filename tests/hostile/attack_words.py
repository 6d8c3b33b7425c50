"""Arguments, outputs and names that nobody means, or that somebody means badly."""

from __future__ import annotations

import os
import random
from pathlib import Path

import generate
import numpy as np
from attack_bytes import CUBE, TRUTH
from attack_case import Case

HARD = (
    *(
        "",
        " ",
        ".",
        "..",
        "/",
        "-",
        "--",
        "-1",
        "+5",
        "1_0",
        "1e3",
        "0x10",
        "nan",
        "inf",
        "1e400",
        "\u0663",
        "\uff15",
    ),
    *(
        "9" * 30,
        "9" * 5000,
        "a" * 300,
        "\udcff",
        "a\nb",
        "\x1b[31m",
        "%s%n",
        "{0}",
        "$(touch $CANARY)",
        "`touch $CANARY`",
    ),
    *(
        "../x",
        "~",
        "http://127.0.0.1:9/x.tif",
        "https://x",
        "s3://b/k",
        "/vsicurl/http://127.0.0.1:9/x",
        "/dev/null",
    ),
    *(
        "con:",
        "file:///etc/passwd",
        "x" * 255,
        "1-",
        "1-2-3",
        "nm",
        "5,,6",
        "0",
        "999999999999",
        "true",
        "none",
        "auto",
    ),
)
OPTIONS = {
    command: options.split()
    for command, options in {
        "detect": "--bands --exclude-bands --mask --truth --device --engine --memory-limit --seed -o -w"
        " --threshold --mask-out --vector --variable --truth-variable --quality --window -m --block-size"
        " --epochs --log-json --min-pixels --factor --background --background-exclude --jobs --workers"
        " --scheduler --save-parts --summary",
        "convert": "--bands --window --variable --exclude-bands --truth-variable --dtype --interleave",
        "threshold": "--rule -o --vector --min-pixels --scene --window --variable --seed",
        "evaluate": "--truth --roc --truth-variable --variable",
        "quicklook": "-o --overlay --rgb --size --threshold --truth --variable",
        "report": "-o --threshold --truth --bands --exclude-bands --window --min-pixels --variable",
        "info": "--variable --truth-variable --quality",
        "train": "-m -o --epochs --batch-size --patches --seed --checkpoint --log-file --device --bands"
        " --mask --from --tensorboard --window",
        "demo": "--device --seed",
        "devices": "--json",
        "models": "--json -o --probe",
        "plugins": "--json --folder",
        "nothing": "-x",
    }.items()
}


def _scenes(folder: Path) -> None:
    np.save(folder / "scene.npy", CUBE)
    np.save(folder / "marks.npy", TRUTH)
    generate.write_geotiff(folder / "map.tif", CUBE[..., :1].astype("f4"))
    generate.write_envi(folder / "line.hdr", CUBE)


def arguments(draw: random.Random, folder: Path) -> Case:
    """Options with values that they do not take."""
    _scenes(folder)
    command = draw.choice((*OPTIONS, "detect", "detect", "convert", "train"))
    words = {
        "detect": ["detect", "scene.npy", "-o", "out.tif"],
        "convert": ["convert", "scene.npy", "out.npy"],
        "threshold": ["threshold", "map.tif", "--rule", "quantile:0.9"],
        "evaluate": ["evaluate", "map.tif", "--truth", "marks.npy"],
        "quicklook": ["quicklook", "scene.npy", "-o", "look.png"],
        "report": ["report", "scene.npy", "map.tif", "-o", "page.html"],
        "info": ["info", "scene.npy"],
        "train": [
            "train",
            "scene.npy",
            "-o",
            "w.safetensors",
            "--device",
            "cpu",
            "-m",
            "nl2net",
            "--epochs",
            "1",
        ],
        "demo": ["demo", "folder"],
        "devices": ["devices"],
        "models": ["models", draw.choice(("list", "show", "verify", "import", "export", "x"))],
        "plugins": ["plugins", draw.choice(("new", "x", "bundle"))],
        "nothing": [draw.choice(HARD)],
    }[command]
    if command == "train":
        words += ["--channels", "4", "--blocks", "1"]
    if command == "detect" and draw.random() < 0.7:
        words += ["-m", draw.choice(("grx", "slrx", "ssf"))]
    for _ in range(draw.choice((1, 1, 2))):
        option = draw.choice(OPTIONS[command])
        values = [draw.choice(HARD) for _ in range(4 if option == "--window" else 1)]
        if option == "--window" and draw.random() < 0.6:
            values = ["1", "1", "5", "5"]
            values[draw.randrange(4)] = draw.choice(HARD)
        words += (
            [option, *values] if draw.random() < 0.8 or option == "--window" else [f"{option}={values[0]}"]
        )
    if draw.random() < 0.2:
        words.insert(draw.randrange(1, len(words) + 1), draw.choice(HARD))
    if draw.random() < 0.1:
        words[1 if len(words) > 1 else 0] = draw.choice(HARD)
    return Case([word.replace("\0", "") for word in words], parts=command in {"demo", "detect", "plugins"})


def outputs(draw: random.Random, folder: Path) -> Case:
    """Outputs that are inputs under another name, folders, pipes, links to nowhere, files that are there."""
    _scenes(folder)
    (folder / "folder").mkdir()
    (folder / "folder" / "kept.txt").write_text("kept")
    os.mkfifo(folder / "pipe.tif")
    (folder / "loop.tif").symlink_to("loop.tif")
    (folder / "nowhere.tif").symlink_to("gone/there.tif")
    for name, target in (("link.tif", "map.tif"), ("link.npy", "scene.npy"), ("link.hdr", "line.hdr")):
        (folder / name).symlink_to(target)
    os.link(folder / "line.img", folder / "hard.img")
    os.link(folder / "scene.npy", folder / "hard.npy")
    scene = draw.choice(("scene.npy", "line.hdr", "line.img", "link.npy", "./scene.npy", "hard.npy"))
    out = draw.choice(
        (
            *(
                "scene.npy",
                "line.hdr",
                "link.npy",
                "link.hdr",
                "hard.hdr",
                "hard.npy",
                "marks.npy",
                "./line.hdr",
            ),
            *(
                "folder",
                "folder/",
                "folder/x.tif",
                "pipe.tif",
                "loop.tif",
                "nowhere.tif",
                "gone/x.tif",
                "/dev/full",
            ),
            *(
                "/dev/stdout",
                "/proc/self/x.tif",
                "folder/../scene.npy",
                "x.unknown",
                "x",
                ".tif",
                "a" * 251 + ".tif",
            ),
            *("scene.npy/x.tif", "http://h/x.tif", "\udcff.tif", "x\n.tif", " .tif", "~/x.tif", "kept.txt"),
        )
    )
    over = draw.choice(([], ["--overwrite"]))
    words = draw.choice(
        (
            ["detect", "-m", "grx", scene, "-o", out, "--mask", "marks.npy"],
            ["detect", "-m", "grx", scene, "-o", "new.tif", "--mask-out", out, "--threshold", "quantile:0.9"],
            ["convert", scene, out],
            ["convert", scene, out, "--bands", "1-2"],
            ["threshold", "map.tif", "--rule", "quantile:0.9", "-o", out],
            ["threshold", "map.tif", "--rule", "quantile:0.9", "--vector", out],
            ["quicklook", scene, "-o", out],
            ["evaluate", "map.tif", "--truth", "marks.npy", "--roc", out],
            ["report", scene, "map.tif", "-o", out],
            ["models", "export", "ferd-200", "-o", out],
        )
    )
    read = [word for word in words if word != out and (folder / word).is_file()]
    read += [name for name in ("line.hdr", "line.img") if {"line.hdr", "line.img"} & set(read)]
    kept = {os.path.realpath(folder / name) for name in read}
    kept |= {str(path) for path in folder.iterdir() if _same(path, kept)}
    replaced = [os.path.normpath(out)]
    if out.endswith(".hdr"):  # a header has its data beside it
        replaced.append(os.path.normpath(Path(out).with_suffix(".img")))
    free = not any(_same(folder / name, kept) for name in replaced)
    rest = "--mask-out" in words and out.startswith("/")  # found out when the map is there
    return Case([*words, *over], parts=rest, replaced=tuple(replaced) if over and free else ())


def _same(path: Path, kept: set[str]) -> bool:
    """Tell whether a path leads to one of some files."""
    try:
        return any(path.samefile(other) for other in kept)
    except OSError:
        return False


def names(draw: random.Random, folder: Path) -> Case:
    """Scenes under names that are hard to write, and outputs by default."""
    name = draw.choice(
        (
            *(
                "bad\udcff",
                "a b",
                "-dash",
                "--overwrite",
                "ü日本",
                "a\nb",
                "a\tb",
                "x" * 250,
                "%d",
                "{x}",
                "a:b",
                "C:x",
            ),
            *(
                "$(touch $CANARY)",
                ";touch $CANARY;",
                "'",
                '"',
                "*",
                "?",
                "[a]",
                "#",
                "a.b.c",
                ".hidden",
                "con",
                "\x1b[2J",
            ),
            *("\u202egnp", "s3:", "HDF5:x", "NETCDF:x", "e\u0301", "\U0001f600", "\udcc3\udcff"),
        )
    )
    suffix = draw.choice((".npy", ".npy", ".tif", ".mat", ".npz", ".hdr"))
    file = folder / f"{name}{suffix}"
    match suffix:
        case ".npy":
            np.save(folder / "x.npy", CUBE)
        case ".tif":
            generate.write_geotiff(folder / "x.tif", CUBE)
        case ".mat":
            generate.write_mat5(folder / "x.mat", CUBE)
        case ".npz":
            generate.write_npz(folder / "x.npz", CUBE)
        case _:
            generate.write_envi(folder / "x.hdr", CUBE)
            (folder / "x.img").rename(file.with_suffix(".img"))
    (folder / f"x{suffix}").rename(file)
    given = f"{name}{suffix}" if draw.random() < 0.3 else f"./{name}{suffix}"
    dashes = ["--"] if given.startswith("-") else []
    words = draw.choice(
        (
            ["detect", "-m", "grx", *dashes, given],
            ["detect", "-m", "grx", "-o", f"./{name}_out.tif", *dashes, given],
            ["info", "--json", *dashes, given],
            ["convert", *dashes, given, "out.npy"],
            ["quicklook", *dashes, given],
        )
    )
    return Case(words)
