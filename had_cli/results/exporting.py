"""Score maps in the forms that plugins bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from had_cli.errors import HadError, OutputError, PluginError, UsageError
from had_cli.files import cannot_write, written_whole
from had_cli.plugin import host
from had_cli.plugin.extensions import Exporter
from had_cli.scenes.inputs import refuse_inputs
from had_cli.scenes.open import open_scores
from had_cli.scenes.source import SceneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreMap:
    """A finished score map, as an exporter gets it.

    Attributes
    ----------
    scores : rows x cols float32, NaN where there is none, read-only
    info : of the file: ``crs`` and ``transform`` among others
    tags : how the map was made, as texts (``had_method``, ``had_parameters``, ...)
    """

    scores: npt.NDArray[np.float32]
    info: SceneInfo
    tags: Mapping[str, str]


def export_map(
    scores: str | Path, path: str | Path, *, exporter: str | None = None, overwrite: bool = False
) -> Exporter:
    """Write the score map in the file ``scores`` to ``path`` by an exporter, and return that.

    Parameters
    ----------
    exporter
        Its name; default: the one that claims the suffix of ``path``.

    Raises
    ------
    UsageError
        When no exporter is called so, or none or several claim the suffix.
    OutputExistsError, OutputError
        When ``path`` exists, is the map itself, or cannot be written.
    PluginError
        When the exporter fails, with its name.
    """
    path = Path(path)
    chosen = _chosen(path, exporter)
    refuse_inputs(path, [("the score map", scores)])
    values, info = open_scores(scores)
    array = np.ascontiguousarray(values, np.float32)
    array.flags.writeable = False
    write = host.resolve(chosen.write)
    with written_whole(path, overwrite=overwrite) as scratch:
        try:
            write(scratch, ScoreMap(scores=array, info=info, tags=dict(info.tags)))
        except HadError:
            raise
        except OSError as error:
            raise cannot_write(path, error) from error
        except Exception as error:
            reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
            raise PluginError(f"{path}: exporter {chosen.name} failed: {reason}") from error
        if not scratch.exists():
            raise OutputError(f"{path}: exporter {chosen.name} wrote nothing; this is an error in its plugin")
    return chosen


def _chosen(path: Path, name: str | None) -> Exporter:
    known: dict[str, Exporter] = host.exporters()
    if name is not None:
        if name not in known:
            raise UsageError(f"there is no exporter {name}; known: {', '.join(known) or 'none'}")
        return known[name]
    suffix = path.suffix.lower()
    fitting = [exporter for exporter in known.values() if suffix in exporter.suffixes]
    if len(fitting) != 1:
        if fitting:
            names = ", ".join(exporter.name for exporter in fitting)
            raise UsageError(f"{path}: several exporters write {suffix}: {names}; choose by --exporter")
        suffixes = ", ".join(sorted({s for exporter in known.values() for s in exporter.suffixes})) or "none"
        raise UsageError(
            f"{path}: no exporter writes {suffix or 'files without a suffix'}; plugins write: {suffixes}; "
            "for rasters take had convert"
        )
    return fitting[0]
