"""Whatever is missing or of another kind in a product's file, it is read or refused in one line."""

import h5py
import numpy as np
import pytest
from products_made import (
    make_aviris,
    make_emit,
    make_emit_mask,
    make_neon,
    make_netcdf,
    make_prisma,
    make_tanager,
)

from had_cli import open_scene
from had_cli.errors import HadError
from had_cli.scenes.describe import describe

MAKERS = {
    "emit": make_emit,
    "prisma": make_prisma,
    "prisma-l1": lambda folder: make_prisma(folder, "L1"),
    "aviris": make_aviris,
    "aviris-radiance": lambda folder: make_aviris(folder, raw=True),
    "neon": make_neon,
    "tanager": make_tanager,
    "netcdf": make_netcdf,
}
ODD = {
    "gone": None,
    "a text": np.bytes_(b"nothing"),
    "three numbers": np.zeros(3),
    "a table": np.zeros((2, 2)),
    "no numbers": np.zeros((0,)),
}


def look(path):
    """Open a scene, describe it and read a little; what is refused is refused in one line."""
    refused = None
    try:
        with open_scene(path) as scene:
            describe(scene)
            scene.read()
            _ = scene.ortho
    except HadError as error:
        refused = str(error)
    assert refused is None or ("\n" not in refused and str(path.parent) in refused)


def objects(path):
    names = []
    with h5py.File(path) as file:
        file.visit(names.append)
        attributes = [(name, key) for name in ["/", *names] for key in file[name].attrs]
    own = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST", "_Netcdf4Dimid"}
    return names, [(name, key) for name, key in attributes if key not in own]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("product", MAKERS)
def test_any_part_of_a_file_may_be_odd(tmp_path, product, odd):
    made = MAKERS[product](tmp_path)
    if product == "emit":
        make_emit_mask(tmp_path)
    content = made.path.read_bytes()
    names, attributes = objects(made.path)
    for name in names:
        made.path.write_bytes(content)
        with h5py.File(made.path, "r+") as file:
            del file[name]
            if ODD[odd] is not None:
                file[name] = ODD[odd]
        look(made.path)
    for name, key in attributes:
        made.path.write_bytes(content)
        with h5py.File(made.path, "r+") as file:
            del file[name].attrs[key]
            if ODD[odd] is not None:
                file[name].attrs[key] = ODD[odd]
        look(made.path)


@pytest.mark.parametrize("product", MAKERS)
def test_a_file_may_end_anywhere(tmp_path, product):
    made = MAKERS[product](tmp_path)
    content = made.path.read_bytes()
    for share in np.linspace(0.01, 0.99, 12):
        made.path.write_bytes(content[: int(share * len(content))])
        look(made.path)
