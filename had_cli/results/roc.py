"""ROC points as a table in a file."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path

import numpy as np

from had_cli.files import write_whole
from had_cli.results.metrics.curve import RocPoints


def write_roc(path: str | Path, points: RocPoints, *, overwrite: bool = False) -> Path:
    """Write ROC points as CSV: a line of names (p_f, p_d, tau, threshold), then one line per point.

    Numbers are written with all their digits; ``inf`` and ``nan`` as Python and R read them.

    Raises
    ------
    OutputExistsError
        When ``path`` exists and ``overwrite`` is false.
    OutputError
        When it cannot be written.
    """
    names = [field.name for field in dataclasses.fields(points)]
    text = io.StringIO()
    columns = np.column_stack([np.asarray(getattr(points, name), dtype=np.float64) for name in names])
    np.savetxt(text, columns, fmt="%.17g", delimiter=",", header=",".join(names), comments="")
    write_whole(Path(path), text.getvalue().encode(), overwrite=overwrite)
    return Path(path)
