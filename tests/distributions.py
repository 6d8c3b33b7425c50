"""Distributions with plugins, as they look once installed: a module and a dist-info folder."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from had_cli.plugin import host

BROKEN = Path(__file__).parent / "plugins_third_party"

MEAN = """
    '''Distance from the mean spectrum of the training scenes: the least that can be trained.'''

    from had_cli.plugin.descriptions import Method, Param
    from had_cli.plugin.hooks import hookimpl

    @hookimpl
    def had_methods():
        power = Param(name="power", type=float, default=1.0, minimum=0.5, maximum=4, help="Of the distance.")
        share = Param(name="share", type=float, default=1.0, minimum=0, maximum=1, help="Of [all] pixels.")
        mode = Param(name="mode", type=str, default="mean", choices=("mean", "median"), help="Which centre.")
        root = Param(name="root", type=bool, default=True, help="Take the root.")
        return [
            Method(
                name="mean",
                summary="Distance from the mean of training scenes",
                paper="none",
                detect="had_mean:detect",
                train="had_mean:train",
                params=(power, root),
                train_params=(share, mode),
                weights="required",
            )
        ]

    def train(job, params):
        import numpy as np
        from had_cli.weights.file import Weights

        job.progress("training", 0.5, loss=1.0)
        pixels = np.concatenate([scene.read().reshape(-1, scene.shape[2]) for scene in job.scenes])
        if params.share < 0.01:
            job.warn("almost nothing to learn from")
        centre = getattr(np, "nan" + params.mode)(pixels[: max(1, int(params.share * len(pixels)))], axis=0)
        return Weights(method="mean", tensors={"centre": centre}, header={"bands": len(centre)})

    def detect(run, params):
        import numpy as np

        run.weights.require(centre=(run.scene.shape[2],))
        squares = ((run.scene.read() - run.weights.tensors["centre"]) ** 2).sum(axis=2)
        return (squares ** (params.power / 2 if params.root else params.power)).astype(np.float32)
"""


def install(
    folder: Path,
    name: str,
    entry_points: Mapping[str, str],
    modules: Mapping[str, str] | None = None,
    *,
    version: str = "1.0",
) -> None:
    """Put a distribution into ``folder``, as pip would leave it there."""
    metadata = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nName: not me\n"
    )
    lines = "".join(f"{key} = {value}\n" for key, value in entry_points.items())
    (metadata / "entry_points.txt").write_text(f"[console_scripts]\nx = y:z\n\n[had.plugins]\n{lines}")
    for module, text in (modules or {}).items():
        (folder / f"{module}.py").write_text(dedent(text))


def install_broken(folder: Path) -> None:
    """Put the broken examples of tests/plugins_third_party into ``folder``."""
    for example in sorted(BROKEN.glob("bad_*")):
        project = tomllib.loads((example / "pyproject.toml").read_text())["project"]
        modules = {file.stem: file.read_text() for file in example.glob("*.py")}
        install(
            folder,
            project["name"],
            project["entry-points"]["had.plugins"],
            modules,
            version=project["version"],
        )


@pytest.fixture
def site(tmp_path, monkeypatch):
    """Return a folder on ``sys.path``; the host starts afresh before and after."""
    folder = tmp_path / "site"
    folder.mkdir()
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("HAD_DISABLE_PLUGINS", raising=False)
    host.forget()
    yield folder
    host.forget()
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]
