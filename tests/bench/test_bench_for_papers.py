"""What a researcher takes from a bench into a paper: marks, ranks, intervals, LaTeX."""

import math
import re
import shutil
import subprocess

import numpy as np
import pytest
import scipy.stats
from benching import read

from had_cli.bench.comparison import cliques, compare, critical_difference
from had_cli.bench.configurations import configure
from had_cli.bench.latex import escaped
from had_cli.bench.plots import draw, rank_figure
from had_cli.bench.results import load_results
from had_cli.bench.run import run_bench
from had_cli.bench.summary import summarise

# Demsar, JMLR 7, 2006, table 5(a): q at 0.05 for 2 to 10 classifiers
DEMSAR = (1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164)


@pytest.mark.parametrize(("k", "q"), list(enumerate(DEMSAR, start=2)))
def test_critical_differences_are_those_of_the_published_table(k, q):
    assert critical_difference(k, 14) == pytest.approx(q * math.sqrt(k * (k + 1) / (6 * 14)), rel=5e-4)


def test_ranks_a_critical_difference_apart_have_the_p_value_of_nemenyi_s_test():
    """p as scikit-posthocs' posthoc_nemenyi_friedman computes it."""
    k, scenes = 4, 8
    apart = critical_difference(k, scenes)
    p = scipy.stats.studentized_range.sf(
        apart / math.sqrt(k * (k + 1) / (6 * scenes)) * math.sqrt(2), k, math.inf
    )
    assert p == pytest.approx(0.05, abs=1e-6)


def eight_scenes():
    rng = np.random.default_rng(5)
    base = rng.uniform(0.7, 0.95, 8)
    table = np.c_[base, base - 0.02 + rng.normal(0, 0.01, 8), base - 0.2, base + rng.normal(0, 0.002, 8)]
    values = {f"s{i}": dict(zip("abcd", row, strict=True)) for i, row in enumerate(table)}
    return table, values


def test_friedman_s_test_is_scipy_s():
    table, values = eight_scenes()
    found = compare(values, summarise(values, list("abcd"), 1.0), 1.0)
    expected = scipy.stats.friedmanchisquare(*table.T)
    assert (found.chi_square, found.p) == (expected.statistic, expected.pvalue)
    assert found.critical_difference == critical_difference(4, 8)


def test_paired_intervals_hold_the_difference_and_agree_with_scipy_s_bootstrap():
    table, values = eight_scenes()
    found = compare(values, summarise(values, list("abcd"), 1.0), 1.0)
    best = "abcd"[int(np.argmax(table.mean(axis=0)))]
    assert found.reference == best
    for i, label in enumerate("abcd"):
        if label == best:
            continue
        gaps = table[:, i] - table[:, "abcd".index(best)]
        known = scipy.stats.bootstrap(
            (gaps,), np.mean, method="percentile", n_resamples=20000, rng=np.random.default_rng(1)
        ).confidence_interval
        here = found.difference[label]
        assert here["mean"] == pytest.approx(gaps.mean(), abs=1e-12)
        width = known.high - known.low
        assert here["low"] == pytest.approx(known.low, abs=0.05 * width)
        assert here["high"] == pytest.approx(known.high, abs=0.05 * width)
    # what all have in common on a scene does not widen an interval
    assert found.difference["c"]["high"] - found.difference["c"]["low"] < 0.02 < np.ptp(table[:, 0])


def test_one_scene_or_one_configuration_compares_nothing():
    one = {"s": {"a": 0.5, "b": 0.6}}
    assert compare(one, summarise(one, ["a", "b"], 1.0), 1.0) is None
    alone = {"s": {"a": 0.5}, "t": {"a": 0.6}}
    assert compare(alone, summarise(alone, ["a"], 1.0), 1.0) is None


def test_infinite_values_have_ranks_and_no_intervals():
    values = {s: {"a": math.inf, "b": 3.0, "c": 2.0} for s in "st"}
    found = compare(values, summarise(values, list("abc"), math.inf), math.inf)
    assert found.difference == {}
    assert found.reference == "a"


def test_configurations_tied_everywhere_have_no_p_value():
    values = {s: dict.fromkeys("abc", 0.5) for s in "st"}
    assert compare(values, summarise(values, list("abc"), 1.0), 1.0).p is None


def test_bars_join_the_largest_groups_within_the_critical_difference():
    ranks = {"a": 1.2, "b": 2.0, "c": 2.9, "d": 3.9}
    assert cliques(ranks, 1.0) == [["a", "b"], ["b", "c"], ["c", "d"]]
    assert cliques(ranks, 1.75) == [["a", "b", "c"], ["c", "d"]]
    assert cliques(ranks, 0.1) == []
    figure = rank_figure(ranks, 1.0, 8)
    figure.canvas.draw()
    lines = {
        gid: [line for line in figure.axes[0].lines if line.get_gid() == gid]
        for gid in ("clique", "difference")
    }
    assert len(lines["clique"]) == 3
    assert np.ptp(lines["difference"][0].get_xdata()) == pytest.approx(1.0)


@pytest.fixture(scope="module")
def eight(tmp_path_factory):
    """Bench four configurations on eight scenes."""
    from benching import make

    folder = tmp_path_factory.mktemp("eight")
    (folder / "scenes").mkdir()
    for seed in range(8):
        make(folder / "scenes" / f"scene_{seed}&.mat", seed)
    toml = folder / "c.toml"
    toml.write_text(
        '[[method]]\nname = "grx"\nlabel = "grx_oas"\nparameters = { shrinkage = "oas" }\n'
        '[[method]]\nname = "slrx"\nlabel = "slrx_5"\nparameters = { block_size = 5 }\n'
    )
    found = run_bench([str(folder / "scenes")], configure(["grx", "slrx"], (), toml), folder / "out")
    draw(found, folder / "out")
    return folder / "out", found


def test_the_best_and_the_second_of_every_row_are_marked(eight):
    folder, found = eight
    page = (folder / "results.md").read_text(encoding="utf-8")
    rows = [
        line
        for line in page.split("## AUC(D,F)")[1].split("##")[0].splitlines()
        if line.startswith("| scene_")
    ]
    assert len(rows) == 8
    for row, values in zip(rows, found.values("auc_df").values(), strict=True):
        shown = [round(values[label], 4) for label in found.labels]
        first, *others = sorted(set(shown), reverse=True)
        cells = [cell.strip() for cell in row.strip("|").split("|")][1:]
        for cell, value in zip(cells, shown, strict=True):
            text = f"{value:.4f}"
            marked = f"**{text}**" if value == first else f"*{text}*" if value == others[0] else text
            assert cell == marked
    assert "## Differences in AUC(D,F)" in page
    assert f"{critical_difference(4, 8):.3f}" in page


def test_the_latex_is_compiled(eight, tmp_path):
    folder, _ = eight
    text = (folder / "results.tex").read_text(encoding="utf-8")
    assert text.count(r"\begin{table}") == 5
    assert r"\textbf{" in text
    assert r"\underline{" in text
    assert r"scene\_0\&" in text
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    (tmp_path / "results.tex").write_text(text, encoding="utf-8")
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\n\\begin{document}\n\\input{results}\n\\end{document}\n"
    )
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "paper.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a_b & 50 %", r"a\_b \& 50 \%"),
        ("AUC(D,tau)", r"AUC(D,$\tau$)"),
        ("AUC_TD", r"AUC\_TD"),
        ("0.9 ± 0.1†", r"0.9 $\pm$ 0.1$^{\dagger}$"),
        ("P_F <= 1e-3", r"P\_F $<$= 1e-3"),
        ("\\{~^", r"\textbackslash{}\{\textasciitilde{}\textasciicircum{}"),
    ],
)
def test_what_latex_would_take_for_a_command_is_escaped(text, written):
    assert escaped(text) == written


def test_the_diagram_is_drawn_and_the_same_every_time(eight):
    folder, found = eight
    kinds = {kind: (folder / "plots" / f"critical_difference.{kind}").read_bytes() for kind in ("png", "pdf")}
    assert kinds["pdf"].startswith(b"%PDF")
    draw(found, folder)
    for kind, content in kinds.items():
        assert (folder / "plots" / f"critical_difference.{kind}").read_bytes() == content


def test_results_carry_the_comparison(eight):
    folder, found = eight
    assert load_results(folder) == found
    compared = read(folder / "results.json")["summary"]["auc_df"]["comparison"]
    assert compared["critical_difference"] == pytest.approx(critical_difference(4, 8))
    assert set(compared["difference"]) == set(found.labels) - {compared["reference"]}
    assert not re.search("NaN", (folder / "results.json").read_text())
