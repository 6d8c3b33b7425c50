"""Quick-look pictures: the scene as a colour composite, its score map beside it or over it.

matplotlib is an extra (``pip install "had[plot]"``) and is imported on use, without pyplot, so that no
window system is touched and nothing global is left behind.
"""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from had_cli.errors import OutputError, SceneError
from had_cli.files import printable, refuse_existing, write_whole
from had_cli.scenes.source import Window

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from had_cli.scenes.scene import Scene

Float = npt.NDArray[np.float32]

RED_GREEN_BLUE = (650.0, 550.0, 450.0)
"""Wavelengths of the composite in nanometres."""

LONGEST_SIDE = 1000
"""Pixels along the longer side of a picture; larger scenes are thinned out."""


class MatplotlibMissingError(OutputError):
    """The extra ``plot`` is not installed."""


def quicklook(
    scene: Scene,
    path: str | Path,
    *,
    scores: npt.NDArray[np.floating[Any]] | None = None,
    truth: npt.NDArray[np.bool_] | None = None,
    marked: npt.NDArray[np.bool_] | None = None,
    title: str = "score",
    overlay: bool = False,
    rgb: tuple[int, int, int] | None = None,
    longest_side: int = LONGEST_SIDE,
    overwrite: bool = False,
) -> Path:
    """Draw the scene, and its score map beside it or over it, into a PNG file.

    Parameters
    ----------
    scene
        Only three bands of it are read, of large scenes only every k-th row.
    path
        The PNG file. It appears when it is complete.
    scores
        rows x cols, NaN where invalid. A thinned-out map shows the largest score of each k x k
        pixels: a small anomaly does not vanish.
    truth
        rows x cols, True on anomalies: they are ringed in the composite, in yellow.
    marked
        rows x cols, True on pixels found: their groups are ringed in the score map, in cyan.
    overlay
        Lay the score map over the composite, the more opaque the higher the score.
    rgb
        0-based bands shown as red, green and blue; default: those nearest to
        650, 550 and 450 nm, or spread over the bands.
    title
        What stands above the score map.
    longest_side
        Pixels along the longer side beyond which the scene is thinned out.

    Raises
    ------
    MatplotlibMissingError
        When the extra ``plot`` is not installed.
    OutputError
        When the file cannot be written.
    OutputExistsError
        When ``path`` exists and ``overwrite`` is false.
    SceneError
        When ``scores`` or ``truth`` are not of the scene's size.
    """
    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    rows, cols, _ = scene.shape
    for name, layer in (("score map", scores), ("truth", truth), ("mask", marked)):
        if layer is not None and layer.shape != (rows, cols):
            raise SceneError(f"{path}: the {name} has the shape {layer.shape}, the scene {(rows, cols)}")
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MatplotlibMissingError(
            f'{path}: drawing needs matplotlib; install it with: pip install "had[plot]"'
        ) from error

    step = -(-max(rows, cols) // longest_side)
    panels = 1 if scores is None or overlay else 2
    # room for the colour bar and the titles beside square-pixel images
    figure = Figure(
        figsize=(1.5 + 5 * panels, 1.2 + 5 * min(max(rows / cols, 0.3), 2)), dpi=120, layout="constrained"
    )
    axes = figure.subplots(1, panels, squeeze=False, sharex=True, sharey=True)[0]
    # the last thinned-out pixels reach beyond the scene; the limits below cut them off
    extent = (0, -(-cols // step) * step, -(-rows // step) * step, 0)
    for axis in axes:
        axis.set(facecolor="0.85", xlabel="column")
    axes[0].set_ylabel("row")
    colours = composite(scene, step, rgb)
    shown = f"{scene.name}: {_describe(scene, rgb)}"
    if overlay and scores is not None:  # colours below would be taken for scores
        colours[..., :3] = colours[..., :3].mean(axis=-1, keepdims=True)
        shown = f"{title} over {shown}"
    axes[0].imshow(colours, extent=extent, interpolation="nearest")
    axes[0].set_title(printable(shown), parse_math=False)  # a dollar in a name begins no formula
    if scores is not None:
        _draw_scores(
            figure, axes[-1], thin_maximum(scores, step), extent, None if overlay else title, overlay=overlay
        )
    for layer, axis, colour in ((truth, axes[0], "yellow"), (marked, axes[-1], "cyan")):
        if layer is not None and layer.any():
            _ring(axis, layer, colour)
    axes[0].set(xlim=(0, cols), ylim=(rows, 0))
    write_whole(path, rendered(figure, format="png"), overwrite=overwrite)
    return path


def rendered(figure: Figure, **options: Any) -> bytes:
    """Return a figure as a file of ``options`` of savefig; a letter that the font has not becomes a box."""
    picture = BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)  # names are in any script
        figure.savefig(picture, **options)
    return picture.getvalue()


def composite_bands(scene: Scene) -> tuple[int, int, int]:
    """Return the 0-based bands shown as red, green and blue.

    They are nearest to 650, 550 and 450 nm where the scene covers the visible light; otherwise they
    lie at 3/4, 1/2 and 1/4 of the bands.
    """
    bands, centres = scene.shape[2], scene.wavelengths
    if centres is not None and centres.min() <= RED_GREEN_BLUE[1] and centres.max() >= RED_GREEN_BLUE[0]:
        red, green, blue = (int(np.argmin(np.abs(centres - wanted))) for wanted in RED_GREEN_BLUE)
        return red, green, blue
    return 3 * bands // 4, bands // 2, bands // 4


def composite(scene: Scene, step: int = 1, rgb: tuple[int, int, int] | None = None) -> Float:
    """Return every ``step``-th row and column as rows x cols x 4 (red, green, blue, opacity) in 0..1.

    Each colour is stretched between its 2nd and 98th percentile; invalid pixels are transparent.
    """
    wanted = rgb or composite_bands(scene)
    order = np.unique(wanted)  # select() keeps bands ascending and once each
    values = read_thinned(scene.select(bands=order), step)[..., np.searchsorted(order, wanted)]
    valid = np.isfinite(values).all(axis=-1)
    picture = np.zeros((*valid.shape, 4), dtype=np.float32)
    if valid.any():
        low, high = np.percentile(values[valid], [2, 98], axis=0)
        stretched = (values[valid] - low) / np.where(high > low, high - low, 1)
        picture[valid, :3] = np.clip(stretched, 0, 1)
    picture[..., 3] = valid
    return picture


def thin_maximum(scores: npt.NDArray[np.floating[Any]], step: int) -> npt.NDArray[np.floating[Any]]:
    """Return the largest valid score of each ``step`` x ``step`` pixels, NaN where there is none."""
    if step == 1:
        return scores
    rows, cols = scores.shape
    padded = np.pad(scores, ((0, -rows % step), (0, -cols % step)), constant_values=np.nan)
    cells = padded.reshape(padded.shape[0] // step, step, padded.shape[1] // step, step)
    largest: npt.NDArray[np.floating[Any]] = np.fmax.reduce(np.fmax.reduce(cells, axis=3), axis=1)
    return largest


def read_thinned(scene: Scene, step: int) -> Float:
    """Return every ``step``-th row and column, read strip by strip of what is cheap to read at once."""
    rows, cols, _ = scene.shape
    height = scene.info.block[0] if scene.info.block else 64
    wanted = np.arange(0, rows, step)
    strips = []
    for strip in np.split(wanted, np.flatnonzero(np.diff(wanted // height)) + 1):
        window = Window(0, int(strip[0]), cols, int(strip[-1] - strip[0]) + 1)
        # a copy, so that the strip itself can be forgotten
        strips.append(scene.read(window)[::step, ::step].copy())
    return np.concatenate(strips)


def _describe(scene: Scene, rgb: tuple[int, int, int] | None) -> str:
    chosen = rgb or composite_bands(scene)
    centres = scene.wavelengths
    if centres is None:
        return "bands " + ", ".join(str(int(scene.bands[band]) + 1) for band in chosen)
    return ", ".join(f"{centres[band]:.0f}" for band in chosen) + " nm"


def _ring(axis: Any, found: npt.NDArray[np.bool_], colour: str) -> None:
    from scipy.ndimage import center_of_mass, label

    groups, count = label(found, structure=np.ones((3, 3)))
    centres = np.array(center_of_mass(found, groups, np.arange(1, count + 1)))
    axis.scatter(
        centres[:, 1] + 0.5, centres[:, 0] + 0.5, s=90, facecolors="none", edgecolors=colour, linewidths=1
    )


def _draw_scores(
    figure: Figure,
    axis: Any,
    scores: npt.NDArray[np.floating[Any]],
    extent: tuple[int, int, int, int],
    title: str | None,
    *,
    overlay: bool,
) -> None:
    valid = scores[np.isfinite(scores)]
    # a few extreme pixels would otherwise leave the rest of the map black
    low, middle, high = np.percentile(valid, [2, 75, 99.8]) if valid.size else (0.0, 0.5, 1.0)
    # laid over the scene, three quarters of the map let it show through
    opacity = np.clip(np.nan_to_num((scores - middle) / ((high - middle) or 1)), 0, 1) if overlay else None
    image = axis.imshow(
        scores, extent=extent, interpolation="nearest", cmap="inferno", vmin=low, vmax=high, alpha=opacity
    )
    if title is not None:
        axis.set_title(printable(title), parse_math=False)
    figure.colorbar(image, ax=axis, extend="both", label="score (2nd to 99.8th percentile)")
