"""Writing reports: from files, or a bench's folder, to one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from had_cli.errors import SceneError
from had_cli.files import refuse_existing, write_whole
from had_cli.report.document import document

if TYPE_CHECKING:
    from had_cli.report.pairs import Pair
    from had_cli.scenes.scene import Scene


def write_scene_report(
    scene: Scene,
    scores: str | Path,
    path: str | Path,
    *,
    variable: str | None = None,
    overwrite: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Write the report of a scene and a score map, and return what its page carries.

    Parameters
    ----------
    scene
        The scene, cut as it was for the map.
    scores
        File of the map; ``variable`` chooses inside a .mat.
    options
        As in :func:`had_cli.report.scene_page.scene_content`.

    Raises
    ------
    OutputExistsError
        When ``path`` exists and ``overwrite`` is false.
    HadError
        As :func:`had_cli.report.scene_page.scene_content`.
    """
    from had_cli.report.scene_page import scene_content
    from had_cli.scenes.open import open_scores
    from had_cli.scenes.ortho import as_scored

    refuse_existing(Path(path), overwrite=overwrite)
    values, info = open_scores(scores, variable)
    content = scene_content(
        as_scored(scene, values.shape), values, name=str(scores), tags=info.tags, **options
    )
    write_whole(Path(path), document(content), overwrite=overwrite)
    return content


def write_bench_report(folder: str | Path, path: str | Path, *, overwrite: bool = False) -> dict[str, Any]:
    """Write the report of what ``had bench`` left in ``folder``, and return what its page carries.

    Raises
    ------
    SceneError
        When the folder holds no results.
    OutputExistsError
        When ``path`` exists and ``overwrite`` is false.
    """
    from had_cli.bench.results import load_results
    from had_cli.report.bench_page import bench_content

    refuse_existing(Path(path), overwrite=overwrite)
    content = bench_content(load_results(folder), Path(folder).resolve().name)
    write_whole(Path(path), document(content), overwrite=overwrite)
    return content


def write_index_report(
    pairs: Sequence[Pair], path: str | Path, *, overwrite: bool = False, **options: Any
) -> dict[str, Any]:
    """Write one report of several scenes and their score maps, and return the index that its page carries.

    A scene that fails has its line in the index all the same.

    Parameters
    ----------
    pairs
        The scenes, each with a map; a scene may come several times, with a map each.
    options
        As in :func:`had_cli.report.index_page.index_content`.

    Raises
    ------
    SceneError
        When all of them fail.
    OutputExistsError
        When ``path`` exists and ``overwrite`` is false.
    """
    from had_cli.report.index_page import index_content

    path = Path(path)
    refuse_existing(path, overwrite=overwrite)
    index = index_content(pairs, path.stem, **options)
    if not index.parts:
        raise SceneError(f"{path}: nothing to report; {index.failed[0]}")
    write_whole(path, document(index.content, index.parts), overwrite=overwrite)
    return index.content
