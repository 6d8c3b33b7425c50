"""The classes of the attack: the maker of each, and its share of the cases."""

from __future__ import annotations

from collections.abc import Mapping

import attack_scenes as scenes
import attack_structures as structures
import attack_texts as texts
import attack_weights as weights
import attack_words as words
from attack_case import Maker

CLASSES: Mapping[str, tuple[Maker, int]] = {
    "mat5": (scenes.damaged("mat5", "mat5-packed"), 10),
    "mat73": (scenes.damaged("mat73", "mat73-chunked"), 10),
    "envi": (scenes.damaged("envi"), 6),
    "envi-headers": (scenes.headers, 10),
    "geotiff": (scenes.damaged("geotiff", "geotiff-plain"), 10),
    "npy": (scenes.damaged("npy"), 5),
    "npz": (scenes.damaged("npz", "npz-packed"), 7),
    "products": (
        scenes.damaged("emit", "prisma", "aviris", "neon", "tanager", "netcdf", "enmap", "desis"),
        14,
    ),
    "mat5-structures": (structures.mat5, 10),
    "hdf5-structures": (structures.hdf5, 12),
    "rasters": (structures.rasters, 10),
    "archives": (structures.archives, 10),
    "numbers": (scenes.numbers, 12),
    "sidecars": (scenes.sidecars, 8),
    "tags": (structures.truths, 5),
    "weights": (weights.safetensors, 12),
    "checkpoints": (weights.checkpoints, 12),
    "other-weights": (weights.other_files, 5),
    "configurations": (texts.configurations, 10),
    "benches": (texts.benches, 10),
    "arguments": (words.arguments, 20),
    "outputs": (words.outputs, 16),
    "names": (words.names, 10),
}
