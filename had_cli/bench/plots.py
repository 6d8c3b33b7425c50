"""ROC curves and separability plots of a bench, a pair of pictures per scene.

matplotlib is an extra (``pip install "had[plot]"``) and is imported on use, without pyplot.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from had_cli.bench.comparison import cliques
from had_cli.bench.results import BenchResults, number
from had_cli.bench.trained import MARK
from had_cli.files import write_whole
from had_cli.results.picture import MatplotlibMissingError, rendered

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(found: BenchResults, folder: str | Path) -> list[Path]:
    """Draw ``SCENE_roc.png`` and ``SCENE_separability.png`` for every scene with a curve into ``plots/``.

    Where several configurations are ranked over several scenes, ``critical_difference.png`` and ``.pdf`` too.
    Pictures of scenes that are not in the bench any more are removed.

    Raises
    ------
    MatplotlibMissingError
        When the extra ``plot`` is not installed.
    OutputError
        When a picture cannot be written.
    """
    try:
        import matplotlib.figure  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise MatplotlibMissingError(
            'no plots: drawing needs matplotlib; install it with: pip install "had[plot]"'
        ) from error
    plots = Path(folder) / "plots"
    summary = found.results["summary"]["auc_df"]
    boxes: dict[str, dict[str, Any]] = {}
    for cell in found.results["cells"]:
        if cell["separability"] is not None:
            boxes.setdefault(cell["scene"], {})[cell["label"]] = cell
    written = []
    for scene, curves in found.curves.items():
        if curves:
            marked = {
                label + (MARK if found.trained_on(scene, label) else ""): c for label, c in curves.items()
            }
            written.append(_save(roc_figure(scene, marked), plots / f"{scene}_roc.png"))
            figure = separability_figure(
                scene, {label: c["separability"] for label, c in boxes[scene].items()}
            )
            written.append(_save(figure, plots / f"{scene}_separability.png"))
    if summary["comparison"] is not None:
        figure = rank_figure(
            summary["rank"], summary["comparison"]["critical_difference"], len(summary["scenes"])
        )
        written += [_save(figure, plots / f"critical_difference.{kind}") for kind in ("png", "pdf")]
    patterns = ("*_roc.png", "*_separability.png", "critical_difference.*")
    for old in (file for pattern in patterns for file in plots.glob(pattern)):
        if old not in written:
            old.unlink()
    return written


def roc_figure(scene: str, curves: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Return P_D over P_F of each configuration, on a linear and on a logarithmic axis.

    A curve on the logarithmic axis begins at the P_D reached before the first false alarm.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), dpi=100, layout="constrained")
    linear, logarithmic = figure.subplots(1, 2, sharey=True)
    points = {label: (_array(curve["p_f"]), _array(curve["p_d"])) for label, curve in curves.items()}
    least = min((p_f[p_f > 0].min() for p_f, _ in points.values() if (p_f > 0).any()), default=1e-4)
    for label, (p_f, p_d) in points.items():
        linear.plot(p_f, p_d, label=label)
        first = max(int(np.count_nonzero(p_f == 0)) - 1, 0)
        logarithmic.plot(np.maximum(p_f[first:], least / 2), p_d[first:], label=label)
    linear.plot([0, 1], [0, 1], color="0.7", linestyle=":", linewidth=1)
    linear.set(xlabel="P_F", ylabel="P_D", xlim=(0, 1), ylim=(0, 1.02), title=scene)
    logarithmic.set(xlabel="P_F", xscale="log", xlim=(least / 2, 1), title="the same, P_F logarithmic")
    for axis in (linear, logarithmic):
        axis.grid(visible=True, color="0.9")
    linear.legend(loc="lower right")
    return figure


def separability_figure(scene: str, boxes: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Return the boxes of scaled scores: 10 to 90 %, whiskers at the extremes, nothing dropped."""
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    colours = {"anomalous": "tab:red", "background": "tab:blue"}
    figure = Figure(figsize=(2 + 1.2 * max(3, len(boxes)), 4.6), dpi=100, layout="constrained")
    axis = figure.subplots()
    for place, classes in enumerate(boxes.values()):
        for shift, (name, colour) in zip((-0.18, 0.18), colours.items(), strict=True):
            box = {part: number(value) for part, value in classes[name].items()}
            if any(np.isnan(value) for value in box.values()):
                continue
            parts = {
                "whislo": box["minimum"],
                "q1": box["p10"],
                "med": box["median"],
                "q3": box["p90"],
                "whishi": box["maximum"],
                "fliers": [],
            }
            axis.bxp(
                [parts],
                positions=[place + shift],
                widths=0.3,
                patch_artist=True,
                boxprops={"facecolor": colour, "alpha": 0.6},
                medianprops={"color": "black"},
            )
    axis.set_xticks(range(len(boxes)), list(boxes))
    axis.set(
        ylabel="scaled score",
        ylim=(-0.02, 1.02),
        xlim=(-0.6, len(boxes) - 0.4),
        title=f"{scene}: separability",
    )
    axis.legend(handles=[Patch(facecolor=c, alpha=0.6, label=name) for name, c in colours.items()])
    return figure


def rank_figure(ranks: Mapping[str, float], difference: float, scenes: int) -> Figure:
    """Return the diagram of mean ranks of Demsar (2006, figure 1): bars join those that do not differ.

    Parameters
    ----------
    ranks
        Mean rank by label, 1 the best.
    difference
        The critical difference, drawn as a bar of its own.
    """
    from matplotlib.figure import Figure

    groups = cliques(ranks, difference)
    ordered = sorted(ranks, key=lambda label: ranks[label])
    half = (len(ordered) + 1) // 2
    depth = 1 + 0.35 * len(groups)
    figure = Figure(figsize=(7, 1.6 + 0.3 * (half + len(groups))), dpi=100, layout="constrained")
    axis = figure.subplots()
    for place, label in enumerate(ordered):
        left = place < half
        height = -depth - 0.6 * (place if left else len(ordered) - 1 - place)
        edge, side = (0.7, "right") if left else (len(ordered) + 0.3, "left")
        axis.plot([ranks[label], ranks[label], edge], [0, height, height], color="black", linewidth=1)
        name = f"{label} {ranks[label]:.2f}"
        axis.text(edge, height, f"{name} " if left else f" {name}", ha=side, va="center")
    for line, group in enumerate(groups, start=1):
        ends = [ranks[group[0]] - 0.03, ranks[group[-1]] + 0.03]
        axis.plot(ends, [-0.35 * line] * 2, color="tab:red", linewidth=3, solid_capstyle="butt", gid="clique")
    axis.plot([1, 1 + difference], [0.8, 0.8], color="black", marker="|", gid="difference")
    axis.text(1 + difference / 2, 0.9, f"CD {difference:.3f}", ha="center", va="bottom")
    axis.plot([1, len(ordered)], [0, 0], color="black")
    for rank in range(1, len(ordered) + 1):
        axis.plot([rank, rank], [0, 0.12], color="black")
        axis.text(rank, 0.2, str(rank), ha="center", va="bottom")
    right = max(len(ordered), 1 + difference) + 1.6
    axis.set(
        xlim=(-0.6, right), ylim=(-depth - 0.6 * half, 1.6), title=f"Mean rank of AUC(D,F), {scenes} scenes"
    )
    axis.axis("off")
    return figure


def _array(values: Any) -> Any:
    return np.array([number(value) for value in values])


def _save(figure: Figure, path: Path) -> Path:
    # without time and version of matplotlib in it, the same figure is the same file
    unsaid = {"Software": None} if path.suffix == ".png" else {"CreationDate": None, "Producer": None}
    write_whole(path, rendered(figure, format=path.suffix[1:], metadata=unsaid), overwrite=True)
    return path
