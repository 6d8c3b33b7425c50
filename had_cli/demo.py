"""``had demo``: a scene with known anomalies, the maps of the built-in detectors, figures and pictures.

Everything goes through the functions that the commands call, on files that any command can open
afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from had_cli.detection import Detection, detect
from had_cli.errors import OutputError
from had_cli.metrics.evaluation import Evaluation, evaluate
from had_cli.picture import MatplotlibMissingError, quicklook
from had_cli.scenes.open import open_scene, open_truth
from had_cli.scenes.output import create_raster
from had_cli.scenes.scene import Scene
from had_cli.scenes.source import SceneInfo, Window
from had_cli.synthetic import NODATA, SCALE, synthesise

METHODS = ("grx", "slrx")
SEED = 1

# a strip of 4 m pixels somewhere in UTM zone 32 north
_EPSG = 32632
_TRANSFORM = (4.0, 0.0, 512_000.0, 0.0, -4.0, 5_403_000.0)


@dataclass(frozen=True, kw_only=True)
class DemoScene:
    """Where a synthetic scene and its truth lie."""

    scene: Path
    truth: Path


@dataclass(frozen=True, kw_only=True)
class DemoMap:
    """One method's result: where map and picture lie, and what they are worth.

    ``picture`` is None where matplotlib is not installed.
    """

    map: Path
    picture: Path | None
    detection: Detection
    evaluation: Evaluation


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """Everything the demo made; ``maps`` by method."""

    files: DemoScene
    maps: dict[str, DemoMap]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON document of ``had demo --json``."""
        return {
            "scene": str(self.files.scene),
            "truth": str(self.files.truth),
            "maps": [
                {
                    "method": method,
                    "map": str(made.map),
                    "picture": None if made.picture is None else str(made.picture),
                    "auc": made.evaluation.auc,
                }
                for method, made in self.maps.items()
            ],
        }


def make_scene(
    folder: str | Path,
    *,
    rows: int = 120,
    cols: int = 160,
    bands: int = 120,
    seed: int = SEED,
    overwrite: bool = False,
) -> DemoScene:
    """Write a synthetic flight line as ENVI (``flightline.hdr``) and its truth as GeoTIFF.

    The scene holds uint16 reflectances times 10,000 with CRS, wavelengths, a bad-band list and nodata
    outside the flight line; see :func:`had_cli.synthetic.synthesise`.

    Raises
    ------
    OutputExistsError
        When a file exists and ``overwrite`` is false.
    """
    from rasterio.crs import CRS

    folder = Path(folder)
    made = synthesise(rows, cols, bands, seed=seed)
    crs = CRS.from_epsg(_EPSG).to_wkt()
    files = DemoScene(scene=folder / "flightline.hdr", truth=folder / "truth.tif")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the folder cannot be made ({error.strerror or error})") from error
    info = SceneInfo(
        path=str(files.scene),
        format="synthetic",
        shape=made.stored.shape,
        dtype=made.stored.dtype,
        wavelengths=made.wavelengths,
        fwhm=made.fwhm,
        bad_bands=made.bad_bands,
        nodata=float(NODATA),
        scale=np.full(bands, SCALE),
        crs=crs,
        transform=_TRANSFORM,
    )
    _write(info, made.stored, overwrite=overwrite)
    truth = made.truth.astype(np.uint8)[..., None]
    info = SceneInfo(
        path=str(files.truth),
        format="synthetic",
        shape=truth.shape,
        dtype=truth.dtype,
        band_names=("1: anomalous",),
        crs=crs,
        transform=_TRANSFORM,
    )
    _write(info, truth, overwrite=overwrite)
    return files


def run_demo(
    folder: str | Path = "demo",
    *,
    seed: int = SEED,
    device: str = "auto",
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _line: None,
) -> DemoResult:
    """Make a scene in ``folder``, detect by every built-in method, evaluate and draw.

    ``say`` is handed one line at a time as things are done.

    Raises
    ------
    HadError
        As :func:`make_scene` and :func:`had_cli.detect`.
    """
    files = make_scene(folder, seed=seed, overwrite=overwrite)
    maps: dict[str, DemoMap] = {}
    with open_scene(files.scene) as scene:
        rows, cols, bands = scene.shape
        objects = open_truth(files.truth, (rows, cols))
        say(f"scene  {files.scene}: {rows} rows x {cols} columns, {bands} bands in use")
        say(f"truth  {files.truth}: {int(objects.sum())} anomalous pixels")
        for method in METHODS:
            detection = detect(scene, method, device=device)
            path = detection.save(files.scene.with_name(f"{scene.name}_{method}.tif"), overwrite=overwrite)
            # from the file, as anyone would who was handed the map
            evaluation = evaluate(path, files.truth)
            found = evaluation.metrics["pd_at_pf_1e_2"]
            say(
                f"{method:<6} AUC(D,F) {evaluation.auc:.4f}; at 1 % false alarms it finds {found:.0%} of them"
            )
            say(f"       map {path}")
            picture = _draw(scene, detection, objects, path.with_suffix(".png"), overwrite=overwrite, say=say)
            maps[method] = DemoMap(map=path, picture=picture, detection=detection, evaluation=evaluation)
    return DemoResult(files=files, maps=maps)


def _draw(
    scene: Scene,
    detection: Detection,
    truth: npt.NDArray[np.bool_],
    path: Path,
    *,
    overwrite: bool,
    say: Callable[[str], None],
) -> Path | None:
    try:
        quicklook(
            scene, path, scores=detection.scores, truth=truth, title=detection.method, overwrite=overwrite
        )
    except MatplotlibMissingError as error:  # an extra: the maps are worth having without it
        say(f"       no picture: {error}")
        return None
    say(f"       picture {path}")
    return path


def _write(info: SceneInfo, cube: npt.NDArray[Any], *, overwrite: bool) -> None:
    rows, cols, _ = cube.shape
    with create_raster(info.path, info, cube.dtype, overwrite=overwrite) as sink:
        sink.write(Window(0, 0, cols, rows), cube)
