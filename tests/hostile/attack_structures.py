"""Files that are sound to the letter and made to do harm: deep nesting, huge declared sizes, links, pipes."""

from __future__ import annotations

import os
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import generate
import h5py
import numpy as np
from attack_bytes import CUBE, base, place
from attack_case import Case
from attack_scenes import reading

_HEAD = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM"
DEEP = (3, 50, 200, 1000, 40_000)


def element(kind: int, content: bytes) -> bytes:
    """Return an element of a .mat file of version 5."""
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


def matrix(kind: int, dims: tuple[int, ...], *parts: bytes, name: bytes = b"") -> bytes:
    """Return an array: class 1 is a cell, 2 a structure, 6 doubles."""
    flags = element(6, struct.pack("<II", kind, 0))
    sizes = element(5, struct.pack(f"<{len(dims)}i", *dims))
    return element(14, flags + sizes + element(1, name) + b"".join(parts))


def nested(kind: int, depth: int, *, top: bytes = b"") -> bytes:
    """Return cells or structures within each other, made in one pass: each head knows what follows."""
    fields = element(5, struct.pack("<i", 8)) + element(1, b"f".ljust(8, b"\0")) if kind == 2 else b""
    inner = matrix(6, (1, 1), element(9, struct.pack("<d", 1)))
    head = matrix(kind, (1, 1), fields)[8:]
    first = matrix(kind, (1, 1), fields, name=top)[8:]
    sizes = [len(inner)]
    for _ in range(depth - 1):
        sizes.append(sizes[-1] + len(head) + 8)
    heads = [struct.pack("<II", 14, size + len(head)) + head for size in reversed(sizes[:-1])]
    return struct.pack("<II", 14, sizes[-1] + len(first)) + first + b"".join(heads) + inner


def mat5(draw: random.Random, folder: Path) -> Case:
    """MATLAB files of version 5: nested, or with sizes that no file holds."""
    depth, kind, name = draw.choice(DEEP), draw.choice((1, 2, 2)), draw.choice((b"data", b"s", b"metadata"))
    big = draw.choice(
        ((2**31 - 1, 1), (2**20, 2**20), (2**16, 2**15), (2**31 - 1,) * 3, (-1, 5), (30_000_000, 1))
    )
    fields = element(5, struct.pack("<i", draw.choice((8, 0, -8, 2**30)))) + element(1, b"f" * 8)
    one = matrix(6, (1, 1), element(9, struct.pack("<d", 1)))
    made = draw.choice(
        (
            lambda: nested(kind, depth, top=name),
            lambda: nested(kind, depth, top=name),
            lambda: matrix(1, big, one, name=name),
            lambda: matrix(2, big, fields, one, name=name),
            lambda: matrix(2, (1, 1), element(5, struct.pack("<i", 8)), element(1, b"f" * 8), name=name),
            # flat to whoever goes by the lengths, nested to whoever goes by the counts
            lambda: matrix(2, (1, 1), fields, name=name) + matrix(1, (1, 1)) * depth,
            lambda: matrix(6, big, struct.pack("<II", 9, draw.choice((2**31 - 1, 2**32 - 1, 8))), name=name),
            lambda: matrix(
                5, big, element(5, b"\0" * 8), element(5, b"\0" * 8), element(9, b"\0" * 8), name=name
            ),
            lambda: matrix(draw.choice((3, 16, 17, 18, 0, 255)), (1, 1), one, one, name=name),
            lambda: struct.pack("<II", 14, 2**31) + matrix(2, (1, 1), fields, one, name=name)[8:],
        )
    )()
    whole = [made, matrix(6, (9, 11, 5), element(9, CUBE.astype("f8").tobytes("F")), name=b"cube")]
    draw.shuffle(whole)
    if draw.random() < 0.4:
        packed = [zlib.compress(part) for part in whole]
        if draw.random() < 0.3:
            packed[0] = zlib.compress(matrix(6, (2**15, 2**15), element(9, bytes(200_000_000)), name=b"x"))
        whole = [struct.pack("<II", 15, len(part)) + part for part in packed]
    (folder / "scene.mat").write_bytes(_HEAD + b"".join(whole))
    return Case(reading(draw, "scene.mat", folder))


def hdf5(draw: random.Random, folder: Path) -> Case:
    """HDF5 with links, datasets that lie elsewhere, circles and sizes that no file holds."""
    kind = draw.choice(("mat73", "mat73", "netcdf", "emit", "prisma", "neon", "tanager", "aviris"))
    scene = place(base(kind), folder)
    with h5py.File(scene, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = draw.choice([name for name in names if isinstance(file[name], h5py.Dataset)])
        for spoil in draw.sample(_SPOILS, draw.choice((1, 1, 2))):
            try:
                spoil(draw, folder, file, name)
            except (ValueError, TypeError, KeyError, RuntimeError, OSError):  # not on this kind of dataset
                continue
    return Case(reading(draw, str(scene.relative_to(folder)), folder))


def _replaced(file: h5py.File, name: str) -> tuple[tuple[int, ...], np.dtype]:
    shape, dtype = file[name].shape, file[name].dtype
    del file[name]
    return shape, dtype


def _external_link(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    target = folder / "other.h5"
    if draw.random() < 0.5:
        os.mkfifo(target)
    else:
        with h5py.File(target, "w") as other:
            other["x"] = np.ones((5, 8, 9))
    del file[name]
    file[name] = h5py.ExternalLink(draw.choice(("other.h5", str(target), "/etc/passwd", "scene.mat")), "x")


def _external_storage(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    shape, dtype = _replaced(file, name)
    os.mkfifo(folder / "raw")
    size = int(np.prod(shape)) * dtype.itemsize
    place = draw.choice((str(folder / "raw"), "raw", "/dev/zero", "/etc/passwd"))
    file.create_dataset(name, shape, dtype, external=[(place, 0, size)])


def _virtual(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    shape, dtype = _replaced(file, name)
    layout = h5py.VirtualLayout(shape, dtype)
    source = draw.choice((".", Path(file.filename).name, "gone.h5", "pipe.h5"))
    os.mkfifo(folder / "pipe.h5")
    layout[...] = h5py.VirtualSource(source, name, shape=shape, dtype=dtype)
    file.create_virtual_dataset(name, layout, fillvalue=draw.choice((None, 0)))


def _circle(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    file[draw.choice(("loop", f"{name}_loop"))] = draw.choice(
        (file, h5py.SoftLink("/loop"), h5py.SoftLink("/"))
    )


def _huge(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    shape, dtype = _replaced(file, name)
    big = tuple(draw.choice((n, 50_000, 2**31, 2**40)) for n in shape) or (2**40,)
    file.create_dataset(name, big, dtype, chunks=draw.choice((True, tuple(min(n, 64) for n in big))))


def _huge_metadata(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    for each in ("metadata", "wavelengths", name):
        if each in file:
            del file[each]
        made = file.create_dataset(each, (draw.choice((2**31, 3_000_000_000, 2**40)),), "u2", chunks=(1024,))
        made.attrs["MATLAB_class"] = np.bytes_(b"char")


def _attribute(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    item = draw.choice((file, file[name], file[name].parent))
    key = draw.choice([*item.attrs, "MATLAB_class", "DIMENSION_LIST", "_FillValue"])
    item.attrs[key] = draw.choice(
        (np.bytes_(b"\xff\xfe"), "x" * 60_000, np.zeros(7), np.nan, [b"a", b"b"], -(2**60))
    )


def _deep(draw: random.Random, folder: Path, file: h5py.File, name: str) -> None:
    group = file
    for _ in range(draw.choice((50, 3000))):
        group = group.create_group("g")
    group["x"] = CUBE


_SPOILS = (
    *(
        _external_link,
        _external_storage,
        _virtual,
        _virtual,
        _circle,
        _huge,
        _huge_metadata,
        _attribute,
        _deep,
    ),
)


def rasters(draw: random.Random, folder: Path) -> Case:
    """What GDAL opens and follows elsewhere: virtual rasters, services, files beside a file."""
    place(base("geotiff"), folder)
    os.mkfifo(folder / "pipe.tif")
    source = draw.choice(
        (
            *(
                "pipe.tif",
                "scene.vrt",
                "/dev/zero",
                "gone.tif",
                "/vsicurl/http://127.0.0.1:9/x.tif",
                "scene.tif",
            ),
            *(".", "/vsizip/pipe.tif/x", "/vsistdin/", "a.vrt", "/proc/self/mem", str(folder / "pipe.tif")),
        )
    )
    simple = f'<SimpleSource><SourceFilename relativeToVRT="1">{source}</SourceFilename>'
    simple += '<SourceBand>1</SourceBand><SrcRect xOff="0" yOff="0" xSize="8" ySize="9"/></SimpleSource>'
    code = "import os\nopen(os.environ['CANARY'],'w')\ndef f(*a): open(os.environ['CANARY'],'w')"
    python = "<PixelFunctionType>f</PixelFunctionType><PixelFunctionLanguage>Python</PixelFunctionLanguage>"
    python += f"<PixelFunctionCode><![CDATA[{code}]]></PixelFunctionCode>"
    raw = '<VRTRasterBand dataType="Int16" band="1" subClass="VRTRawRasterBand">'
    raw += f'<SourceFilename relativetoVRT="1">{source}</SourceFilename></VRTRasterBand>'
    derived = '<VRTRasterBand dataType="Int16" band="1" subClass="VRTDerivedRasterBand">'
    size = draw.choice(("8", "8", "2000000000", "-1"))
    band = draw.choice(
        (
            f'<VRTRasterBand dataType="Int16" band="1">{simple}</VRTRasterBand>',
            f'<VRTRasterBand dataType="Int16" band="1">{simple}</VRTRasterBand>' * 3,
            f"{derived}{python}{simple}</VRTRasterBand>",
            raw,
            f"{'<a>' * 20_000}{'</a>' * 20_000}",
        )
    )
    vrt = f'<VRTDataset rasterXSize="{size}" rasterYSize="9">{band}</VRTDataset>'
    warped = '<VRTDataset rasterXSize="8" rasterYSize="9" subClass="VRTWarpedDataset"><GDALWarpOptions>'
    warped += f'<SourceDataset relativeToVRT="1">{source}</SourceDataset></GDALWarpOptions></VRTDataset>'
    bomb = (
        '<!DOCTYPE a [<!ENTITY a "aaaa">' + "".join(f'<!ENTITY a{i} "{"&a;" * 9}">' for i in range(9)) + "]>"
    )
    service = (
        '<GDAL_WMS><Service name="TMS"><ServerUrl>http://127.0.0.1:9/${z}</ServerUrl></Service></GDAL_WMS>'
    )
    name, text = draw.choice(
        (
            *((("scene.vrt", vrt),) * 4),
            ("scene.vrt", warped),
            ("scene.vrt", bomb + vrt),
            ("scene.unknown", vrt),
            ("scene.xml", service),
            ("scene.tif", service),
            ("scene.json", '{"stac_version": "1.0.0", "type": "FeatureCollection", "features": []}'),
        )
    )
    if name != "scene.tif" or draw.random() < 0.3:
        (folder / name).write_text(text)
    else:
        beside = draw.choice(
            ("scene.tif.aux.xml", "scene.tif.msk", "scene.tif.ovr", "scene.tfw", "scene.hdr")
        )
        os.mkfifo(folder / beside)
    # a raster as large as it says is read in pieces, for hours
    return Case(["info", name] if size == "2000000000" else reading(draw, name, folder))


def archives(draw: random.Random, folder: Path) -> Case:
    """Archives and heads of arrays with sizes, types and names that no array has."""
    descr = draw.choice(list(_descriptions(draw)))
    head = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {draw.choice(_SHAPES)}, }}".encode()
    version = draw.choice((b"\1\0", b"\2\0", b"\3\0", b"\xff\0"))
    length = struct.pack("<H" if version == b"\1\0" else "<I", draw.choice((len(head), len(head), 60_000, 5)))
    array = b"\x93NUMPY" + version + length + head + CUBE.tobytes()
    if draw.random() < 0.5:
        (folder / "scene.npy").write_bytes(array)
        return Case(reading(draw, "scene.npy", folder))
    with zipfile.ZipFile(folder / "scene.npz", "w", draw.choice((0, 8))) as archive:
        names = draw.choice(
            (["data.npy"], ["data.npy", "x.npy"], ["../data.npy"], ["/tmp/data.npy"], ["a" * 999])
        )
        for name in [*names, "map.npy"]:
            archive.writestr(name, array)
        if draw.random() < 0.2:
            archive.writestr(
                "metadata.npy", b"\x93NUMPY\1\0" + struct.pack("<H", 60) + b"{'descr': '<U9999999'"
            )
    return Case(reading(draw, "scene.npz", folder))


_SHAPES = (
    "(9, 11, 5)",
    "(2**40,)",
    "(1099511627776, 11, 5)",
    "(-9, 11, 5)",
    "(9, 11, 5.0)",
    "(True, 11, 5)",
    "9",
    "(0, 0, 0)",
)


def _descriptions(draw: random.Random) -> Iterator[str]:
    code = "__import__('os').system('touch $CANARY')"
    yield from (
        "'<i2'",
        "'|O'",
        "'<U99999999'",
        "'<U2147483647'",
        "'|V2147483647'",
        "'i2,' * 3",
        "'<M8[as]'",
        code,
    )
    yield from (
        "[('a', '<i2')]",
        "[('a', '<i2', (2, 99999999))]",
        "[('a', [('b', '|O')])]",
        "{'a': 1}",
        "'<f16'",
    )
    yield from (
        "'<i99'",
        "[" * 300 + "]" * 300,
        "b'<i2'",
        "'" + "<i2," * 4000 + "'",
        "None",
        "'\\ud800'",
        "1",
    )


def truths(draw: random.Random, folder: Path) -> Case:
    """Maps with facts of a run in their tags, to threshold and to report on."""
    tags = {
        "had_facts": draw.choice(
            ('{"chi_square_freedom": "x"}', "[" * 9999, "NaN", '{"a": 1e999}', "[]", '""')
        )
    }
    tags |= {
        "had_method": draw.choice(("grx", "\x1b[31m", "x" * 5000)),
        "had_parameters": draw.choice(("{", "[[1]]", "1")),
    }
    scores = np.abs(np.random.default_rng(draw.getrandbits(32)).normal(size=(9, 11, 1))).astype(np.float32)
    tag = lambda raster: raster.update_tags(**tags)  # noqa: E731
    generate.write_geotiff(folder / "map.tif", scores, annotate=tag)
    np.save(folder / "scene.npy", CUBE)
    rule = draw.choice(("cfar:1e-3", "chi2:1e-3", "quantile:0.9", "cfar:0", "quantile:nan", "otsu", "x:y"))
    return Case(
        draw.choice(
            (
                ["threshold", "map.tif", "--rule", rule, "-o", "mask.tif"],
                ["report", "scene.npy", "map.tif", "-o", "page.html", "--threshold", rule],
                ["info", "map.tif"],
            )
        )
    )
