r"""The tables of a bench for a paper: ``results.tex``, to be taken in by ``\input{results}``.

Plain LaTeX, without a package: the best figure of a row is bold, the second underlined.
"""

from __future__ import annotations

from had_cli.bench.results import BenchResults
from had_cli.bench.tables import (
    BEST,
    MAIN,
    SECOND,
    Marks,
    Rows,
    left_out,
    mean_marks,
    mean_rows,
    metric_of,
    scene_marks,
    scene_rows,
    scenes,
)

_MARKED = {BEST: r"\textbf{%s}", SECOND: r"\underline{%s}", "": "%s"}
_SIGNS = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "±": r"$\pm$",
    "\N{DAGGER}": r"$^{\dagger}$",
    **{sign: "\\" + sign for sign in "&%$#_{}"},
}


def latex(found: BenchResults) -> str:
    """Return a table of each main metric by scene, and one of all means with time and memory."""
    parts = [f"% written by had bench {found.results['version']}; \\input{{results}} takes it in\n"]
    for name in MAIN:
        metric = metric_of(found, name)
        counted = scenes(found.results["summary"][name])
        caption = f"{metric['symbol']} ({metric['formula']}) by scene, and its mean over {counted}."
        parts.append(
            _table(name, caption, found, scene_rows(found, name), scene_marks(found, name), rule_before=2)
        )
    caption = "Means over the scenes; best is the value of a perfect map."
    parts.append(_table("means", caption, found, mean_rows(found), mean_marks(found), left=3, rule_before=2))
    return "\n".join(parts)


def escaped(text: str) -> str:
    """Return a text that LaTeX sets as it is read; tau, as in AUC(D,tau), becomes the letter."""
    plain = "".join(_SIGNS.get(sign, sign) for sign in text)
    return (
        plain.replace("(D,tau)", r"(D,$\tau$)")
        .replace("(F,tau)", r"(F,$\tau$)")
        .replace("over tau", r"over $\tau$")
    )


def _table(
    name: str,
    caption: str,
    found: BenchResults,
    rows: Rows,
    marks: Marks,
    *,
    left: int = 1,
    rule_before: int,
) -> str:
    """Return one table; ``rule_before`` lines from the end a rule is drawn."""
    notes = [line for line in left_out(found) if not line.startswith("No figures")]
    columns = "l" + "r" * (left - 1) + "r" * len(found.labels)
    lines = [
        " & ".join(_MARKED[mark] % escaped(cell) for cell, mark in zip(row, marked, strict=True)) + r" \\"
        for row, marked in zip(rows, marks, strict=True)
    ]
    body = [lines[0], r"\hline", *lines[1:-rule_before], r"\hline", *lines[-rule_before:]]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{' '.join(map(escaped, [caption, *notes]))}}}",
            rf"\label{{tab:{name.replace('_', '-')}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\hline",
            *body,
            r"\hline",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )
