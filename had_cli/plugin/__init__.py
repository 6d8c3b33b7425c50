"""Everything that a plugin imports from ``had``, and nothing else is public to plugins.

Importing this package imports neither numpy nor torch: each name is fetched from its home when it is
first used, so a module that describes a method stays cheap to list.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# What type checkers see of these names is in __init__.pyi; a test holds that both lists agree.
_HOMES = {
    "plugin.contract": ("CONTRACT",),
    "plugin.descriptions": ("BundledWeights", "Method", "Metric", "Param", "Reader", "Writer"),
    "plugin.extensions": ("Exporter", "Panel", "PanelContent", "ThresholdRule"),
    "plugin.hooks": ("hookimpl",),
    "errors": (
        "DeviceError",
        "HadError",
        "OutputError",
        "OutputExistsError",
        "PluginError",
        "SceneError",
        "UsageError",
        "WeightsError",
    ),
    "scenes.scene": ("ArraySource", "Scene", "valid_pixels"),
    "scenes.source": ("Ortho", "QualityLayer", "SceneInfo", "Sink", "Source", "Window"),
    "scenes.bands": ("BandGrid", "Resampling", "resampling"),
    "scenes.fingerprint": ("scene_hash",),
    "scenes.output": ("check_raster_path", "create_raster", "map_info"),
    "results.exporting": ("ScoreMap",),
    "results.places.sampling": ("ground_sampling_distance",),
    "engine.run": ("Block", "BlockMap", "BlockReduction", "Reduction", "Run"),
    "engine.reductions": ("Extrema", "GlobalExtrema", "Joint", "Moments", "SecondMoments", "chunk_pixels"),
    "engine.statistics": ("is_small", "reading_error", "scene_moments", "warn_of_reading_error"),
    "engine.arrays": ("device_of", "like", "to_host"),
    "engine.blas": ("cholesky_in_place", "invert_triangle", "multiply_in_place", "solve_in_place"),
    "engine.packed": (
        "add_packed_outer",
        "add_packed_products",
        "factorise_packed",
        "packed_diagonal",
        "packed_size",
        "solve_packed",
    ),
    "engine.blocks": ("windows", "with_halo"),
    "engine.devices": ("is_out_of_memory",),
    "engine.float32": ("full_float32",),
    "engine.prefetch": ("prefetch",),
    "engine.threads": ("cores", "ordered"),
    "detection.parameters": ("method_params",),
    "training.backgrounds": ("Backgrounds", "Variety"),
    "training.implants": ("Implanted", "Implants"),
    "training.job": ("TrainingJob",),
    "training.loop": ("TrainingLoop",),
    "training.patches": ("draw_patch", "hold_out_scenes", "read_patch"),
    "training.plan": ("TrainingPlan",),
    "training.reproducible": ("load_optimisers", "reproducible"),
    "training.statistics": ("scene_runs", "statistics"),
    "weights.exporting": ("Network",),
    "weights.file": ("Weights", "load_weights"),
    "weights.importing": ("check_names", "read_checkpoint", "read_state_dict"),
    "weights.models": ("find_weights",),
    "files": ("write_whole",),
}
_HOME = {name: f"had_cli.{home}" for home, names in _HOMES.items() for name in names}

__all__ = [  # noqa: PLE0604 - the table above is the list
    *_HOME
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
