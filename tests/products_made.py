"""Small files with the published structure of sensor products: groups, types, fills, axis orders, attributes.

No product can be had here; what each file must hold is told, with its sources, in docs/guide/products.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import rasterio
from rasterio.transform import Affine

ROWS, COLS = 24, 20


@dataclass
class Made:
    """A file, and what a reader must find in it: rows x cols x bands of physical values, and so on."""

    path: Path
    cube: np.ndarray
    wavelengths: np.ndarray
    extra: dict[str, Any] = field(default_factory=dict)


def reflectance(bands: int, rows: int = ROWS, cols: int = COLS, seed: int = 0) -> np.ndarray:
    """Return rows x cols x bands float32 reflectance with one anomaly, at row 17 and column 12."""
    rng = np.random.default_rng(seed)
    loads = rng.normal(0, 1, (bands, bands)) / bands
    cube = 0.3 + 0.05 * rng.normal(0, 1, (rows, cols, bands)) @ loads
    cube[17, 12] += 0.2 * np.sin(np.arange(bands))
    return cube.astype(np.float32)


# -- EMIT ---------------------------------------------------------------------------------------------
EMIT_NAME = "EMIT_L2A_RFL_001_20230316T045133_2307503_005.nc"
MASK_BANDS_1 = [
    "Cloud flag", "Cirrus flag", "Water flag", "Spacecraft Flag", "Dilated Cloud Flag", "AOD550",
    "H2O (g cm-2)", "Aggregate Flag",
]  # fmt: skip
MASK_BANDS_2 = [
    "Cloud Flag", "Cirrus Flag", "Water Flag", "Spacecraft Flag", "Dilated Cloud Flag", "AOD550",
    "H2O (g cm-2)", "Aggregate Flag", "SpecTf-Cloud Probability", "SpecTf-Cloud Flag",
    "SpecTf-Buffer Distance",
]  # fmt: skip


def lookup_table(rows: int = ROWS, cols: int = COLS, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return glt_x and glt_y: turned, with pixels that repeat, a negative entry and an empty margin."""
    height, width = rows + 7, cols + 6
    y, x = np.mgrid[0:height, 0:width]
    row, col = np.rint(0.9 * y - 0.1 * x), np.rint(0.9 * x + 0.1 * y - 2)
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    glt_x, glt_y = np.where(inside, col + 1, 0), np.where(inside, row + 1, 0)
    glt_x, glt_y = glt_x.astype(np.int32), glt_y.astype(np.int32)
    glt_x[10, 10], glt_y[10, 10] = -glt_x[10, 10], -glt_y[10, 10]
    return glt_x, glt_y


def make_emit(folder: Path, *, kind: str = "RFL", bands: int = 9, chunked: bool = False) -> Made:
    """Write an EMIT cube: L2A reflectance, or L1B radiance without ``good_wavelengths``."""
    cube = reflectance(bands)
    good = np.ones(bands, np.uint8)
    if kind == "RFL":
        good[[4, 5]] = 0
        cube[..., [4, 5]] = -0.01  # what EMIT writes into bands in water vapour
    cube[0, 3] = -9999
    cube[5, 5] = -9999
    path = folder / (EMIT_NAME if kind == "RFL" else EMIT_NAME.replace("L2A_RFL", "L1B_RAD"))
    wavelengths = np.linspace(381, 2493, bands).astype(np.float32)
    glt_x, glt_y = lookup_table()
    transform = (14.0, 0.000542, 0.0, 48.0, 0.0, -0.000542)
    with h5py.File(path, "w") as file:
        file.attrs["geotransform"] = np.array(transform)
        file.attrs["spatial_ref"] = rasterio.CRS.from_epsg(4326).to_wkt()
        file.attrs["processing_version"] = "V1.0"
        layout = {"chunks": (8, 7, bands), "compression": "gzip", "shuffle": True} if chunked else {}
        item = file.create_dataset(
            "reflectance" if kind == "RFL" else "radiance", data=cube, fillvalue=-9999.0, **layout
        )
        item.attrs["_FillValue"] = np.array([-9999.0], np.float32)
        group = file.create_group("sensor_band_parameters")
        group["wavelengths"] = wavelengths
        group["fwhm"] = np.full(bands, 8.5, np.float32)
        if kind == "RFL":
            group["good_wavelengths"] = good
        group = file.create_group("location")
        for name in ("lon", "lat", "elev"):
            group[name] = np.zeros((ROWS, COLS))
        group.create_dataset("glt_x", data=glt_x, compression="gzip")
        group.create_dataset("glt_y", data=glt_y, compression="gzip")
    physical = np.where(cube == -9999, np.nan, cube)
    extra = {"good": good == 1, "glt": (glt_x, glt_y), "transform": transform}
    return Made(path, physical, wavelengths, extra)


def make_emit_mask(
    folder: Path, labels: list[str] = MASK_BANDS_1, *, version: str = "001"
) -> dict[str, np.ndarray]:
    """Write the mask file of the EMIT scene, and return its flags by the names that had gives them."""
    rng = np.random.default_rng(11)
    masks = np.zeros((ROWS, COLS, len(labels)), np.float32)
    flags = {}
    for index, label in enumerate(labels):
        if label.lower().endswith("flag"):
            masks[..., index] = rng.random((ROWS, COLS)) < 0.05
            masks[17, 12, index] = 0
        else:
            masks[..., index] = rng.random((ROWS, COLS))
    masks[0, 3] = -9999
    for index, label in enumerate(labels):
        if label.lower().endswith("flag"):
            flags["-".join(label.lower().split()[:-1])] = masks[..., index] == 1
    path = folder / EMIT_NAME.replace("RFL_001", f"MASK_{version}")
    with h5py.File(path, "w") as file:
        file.create_dataset("mask", data=masks, chunks=(10, 10, len(labels)), compression="gzip")
        file.create_dataset("band_mask", data=np.zeros((ROWS, COLS, 36), np.uint8))
        group = file.create_group("sensor_band_parameters")
        group.create_dataset("mask_bands", data=labels, dtype=h5py.string_dtype())
    return flags


# -- PRISMA -------------------------------------------------------------------------------------------
def make_prisma(folder: Path, level: str = "L2D", *, corners: str = "centres", chunked: bool = False) -> Made:
    """Write a PRISMA product; its wavelengths descend, and some bands were not acquired."""
    vnir = np.array([0, 0, 972.6, 951.4, 929.4, 700.1, 552.3, 406.9])
    swir = np.array([2497.1, 2001.5, 1603.2, 1029.3, 977.3, 943.4, 0])
    rng = np.random.default_rng(5)
    number = level.removeprefix("L")
    fields = f"HDFEOS/SWATHS/PRS_{level}_HCO/Data Fields"
    stored = {}
    for name, centres in (("VNIR", vnir), ("SWIR", swir)):
        stored[name] = rng.integers(6000, 20000, (ROWS, len(centres), COLS)).astype(np.uint16)
        stored[name][:, centres == 0] = 0
        stored[name][:, :, :2] = 0  # padding
        stored[name][17, :, 12] = 60000
    stored["SWIR"][3, 1, 7] = 0  # a retrieval that failed in one band
    errors = {name: np.zeros(values.shape, np.uint8) for name, values in stored.items()}
    errors["VNIR"][8, 5, 9] = 1
    errors["SWIR"][9, 2, 9] = 4 if level != "L1" else 2
    errors["SWIR"][10, 2, 9] = 2 if level != "L1" else 1
    errors["SWIR"][:, 1] = 2  # a band in the absorption of water vapour
    scales = {"VNIR": (0.01, 1.2), "SWIR": (0.0, 0.9)}
    name = "PRS_L1_STD_OFFL" if level == "L1" else f"PRS_{level}_STD"
    path = folder / f"{name}_20201107101404_20201107101408_0001.he5"
    with h5py.File(path, "w") as file:
        file.attrs["Processing_Level"] = np.bytes_(number)
        for (detector, values), centres in zip(stored.items(), (vnir, swir), strict=True):
            layout = {"chunks": (5, len(centres), 6), "compression": "gzip"} if chunked else {}
            file.create_dataset(f"{fields}/{detector}_Cube", data=values, **layout)
            matrix = "PIXEL_SAT_ERR_MATRIX" if level == "L1" else "PIXEL_L2_ERR_MATRIX"
            file[f"{fields}/{detector}_{matrix}"] = errors[detector]
            title = detector.capitalize()
            file.attrs[f"List_Cw_{title}"] = centres.astype(np.float32)
            file.attrs[f"List_Fwhm_{title}"] = np.where(centres > 0, 11.5, 0).astype(np.float32)
            file.attrs[f"List_Cw_{title}_Flags"] = (centres > 0).astype(np.uint8)
            if level == "L1":
                file.attrs[f"ScaleFactor_{title}"] = np.float32(100)
                file.attrs[f"Offset_{title}"] = np.float32(0)
            else:
                low, high = scales[detector]
                file.attrs[f"L2Scale{title}Min"] = np.float32(low)
                file.attrs[f"L2Scale{title}Max"] = np.float32(high)
        if level == "L1":
            cloud = np.zeros((ROWS, COLS), np.uint8)
            cloud[2, 5], cloud[2, 6], cloud[2, 7] = 1, 10, 255
            file[f"{fields}/Cloud_Mask"] = cloud
            file[f"{fields}/SunGlint_Mask"] = np.roll(cloud, 1, axis=0)
        if level == "L2D":
            file.attrs["Epsg_Code"] = np.int32(32633)
            less = 1 if corners == "centres" else 0
            file.attrs["Product_ULcorner_easting"] = np.float32(500000)
            file.attrs["Product_ULcorner_northing"] = np.float32(4600000)
            file.attrs["Product_LRcorner_easting"] = np.float32(500000 + 30 * (COLS - less))
            file.attrs["Product_LRcorner_northing"] = np.float32(4600000 - 30 * (ROWS - less))
    centres = np.concatenate([vnir, swir])
    both = np.concatenate([stored["VNIR"], stored["SWIR"]], axis=1).astype(np.float64)
    if level == "L1":
        both /= 100
    else:
        for part, (low, high) in zip((slice(0, 8), slice(8, None)), scales.values(), strict=True):
            both[:, part] = np.float32(low) + both[:, part] * (np.float32(high) - np.float32(low)) / 65535
    order = [index for index in np.argsort(centres, kind="stable") if centres[index] > 0]
    cube = both[:, order].transpose(0, 2, 1)
    cube[:, :2] = np.nan
    vnir_of = np.arange(len(centres)) < len(vnir)
    extra = {"vnir": vnir_of[order]}
    return Made(path, cube, centres[order].astype(np.float32), extra)


# -- EnMAP and DESIS ----------------------------------------------------------------------------------
ENMAP = "ENMAP01-____L2A-DT0000326721_20170626T102020Z_001_V000204_20200406T201930Z"
DESIS = "DESIS-HSI-L2A-DT1203190212_025-20191203T021128-V0210"
PLACE = {"crs": "EPSG:32632", "transform": Affine(30, 0, 600000, 0, -30, 5300000)}


def write_raster(path: Path, values: np.ndarray, **profile: Any) -> None:
    """Write rows x cols x bands, or rows x cols, as a tiled and compressed GeoTIFF."""
    bands = values[..., None] if values.ndim == 2 else values
    rows, cols, count = bands.shape
    settings = {
        "driver": "GTiff", "height": rows, "width": cols, "count": count, "dtype": bands.dtype.name,
        "tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate", **PLACE, **profile,
    }  # fmt: skip
    with rasterio.open(path, "w", **settings) as raster:
        raster.write(bands.transpose(2, 0, 1))


def make_enmap(folder: Path, *, cog: bool = False) -> Made:
    """Write an EnMAP L2A scene: detectors interleave, one band is empty."""
    centres = np.array([418.4, 650.2, 901.1, 904.8, 911.6, 924.4, 935.9, 1400.0, 1650.3, 2445.3])
    vnir, swir, empty = (1, 2, 3, 5, 7), (4, 6, 8, 9, 10), 8
    stored = np.rint(reflectance(len(centres)) * 10000).astype(np.int16)
    stored[..., empty - 1] = -32768
    stored[0, :4] = -32768
    image = folder / f"{ENMAP}-SPECTRAL_IMAGE{'_COG' if cog else ''}.TIF"
    write_raster(image, stored, nodata=-32768, interleave="pixel")
    metadata = folder / f"{ENMAP}-METADATA.XML"
    metadata.write_text(_enmap_xml(centres, vnir, swir, empty), encoding="utf-8")
    flags = {}
    rng = np.random.default_rng(2)
    for part in ("CLOUD", "CLOUDSHADOW", "CIRRUS", "HAZE", "SNOW"):
        values = (rng.random((ROWS, COLS)) < 0.05) * rng.integers(1, 4, (ROWS, COLS))
        values[17, 12] = 0
        write_raster(
            folder / f"{ENMAP}-QL_QUALITY_{part}{'_COG' if cog else ''}.TIF", values.astype(np.uint8)
        )
        flags[part.lower()] = values > 0
    pixels = np.zeros((ROWS, COLS, len(centres)), np.uint8)
    pixels[4, 4, 1] = 1
    pixels[5, 5, empty - 1] = 1  # in a band that is not used
    write_raster(folder / f"{ENMAP}-QL_PIXELMASK.TIF", pixels)
    flags["pixelmask"] = pixels[..., 1] > 0
    cube = np.where(stored == -32768, np.nan, stored / 10000)
    bad = np.isin(np.arange(1, 11), [3, 5, 7]) & (centres >= 904.8)
    bad[empty - 1] = True
    return Made(image, cube, centres, {"flags": flags, "bad": bad, "metadata": metadata})


def _enmap_xml(centres: Any, vnir: Any, swir: Any, empty: int) -> str:
    bands = "".join(
        f'<bandID number="{n}"><wavelengthCenterOfBand>{centre}</wavelengthCenterOfBand>'
        f"<FWHMOfBand>{6 + n / 10}</FWHMOfBand><GainOfBand>0.0001</GainOfBand>"
        "<OffsetOfBand>0</OffsetOfBand></bandID>\n"
        for n, centre in enumerate(centres, start=1)
    )
    statistics = "".join(
        f'<bandID number="{n}"><mean>{-1000000 if n == empty else 2890}</mean>'
        f"<stdDeviation>{0 if n == empty else 410.5}</stdDeviation></bandID>\n"
        for n in range(1, len(centres) + 1)
    )
    channels = [",".join(map(str, numbers)) for numbers in (vnir, swir)]
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<level_X><product><bandStatistics>'
        f"{statistics}</bandStatistics></product><specific>"
        f"<vnirProductQuality><expectedChannelsList>{channels[0]}</expectedChannelsList></vnirProductQuality>"
        f"<swirProductQuality><expectedChannelsList>{channels[1]}</expectedChannelsList></swirProductQuality>"
        f"<bandCharacterisation>{bands}</bandCharacterisation></specific></level_X>\n"
    )


def make_desis(folder: Path) -> Made:
    """Write a DESIS L2A scene; each band has its own offset, and bands stand twice in the XML."""
    centres = np.array([401.3, 500.1, 640.7, 780.2, 900.5, 999.5])
    gains, offsets = np.full(6, 1e-4), np.arange(6) / 100
    stored = np.rint(reflectance(6) * 10000).astype(np.int16)
    stored[3, :5] = -32768
    image = folder / f"{DESIS}-SPECTRAL_IMAGE.tif"
    write_raster(image, stored, nodata=-32768, interleave="pixel")
    bands = "".join(
        f"<band><bandNumber>{n}</bandNumber><wavelengthCenterOfBand>{centre}</wavelengthCenterOfBand>"
        f"<wavelengthWidthOfBand>3.5</wavelengthWidthOfBand><gainOfBand>{gains[n]}</gainOfBand>"
        f"<offsetOfBand>{offsets[n]}</offsetOfBand></band>"
        for n, centre in enumerate(centres)
    )
    metadata = folder / f"{DESIS}-METADATA.xml"
    metadata.write_text(
        '<?xml version="1.0"?><hsi_doc><specific><interiorOrientation><band/><band/></interiorOrientation>'
        f"<bandCharacterisation>{bands}</bandCharacterisation></specific></hsi_doc>",
        encoding="utf-8",
    )
    rng = np.random.default_rng(8)
    quality = (rng.random((ROWS, COLS, 10)) < 0.04).astype(np.uint8)
    quality[17, 12] = 0
    quality[..., 8:] = 100
    write_raster(folder / f"{DESIS}-QL_QUALITY-2.tif", quality)
    flags = {
        "cloud": quality[..., [5, 6]].any(axis=2), "haze": quality[..., [3, 4]].any(axis=2),
        "shadow": quality[..., 0] > 0, "snow": quality[..., 2] > 0,
        "water": quality[..., 7] > 0, "land": quality[..., 1] > 0,
    }  # fmt: skip
    cube = np.where(stored == -32768, np.nan, stored * gains + offsets)
    return Made(image, cube, centres, {"flags": flags, "metadata": metadata})


# -- AVIRIS, NEON, Tanager ----------------------------------------------------------------------------
def make_aviris(
    folder: Path, *, mapping: str = "transverse_mercator", turned: bool = False, raw: bool = False
) -> Made:
    """Write an AVIRIS NetCDF file: reflectance on a map, or radiance with a lookup table."""
    kind = "radiance" if raw else "reflectance"
    cube = reflectance(7)
    cube[2, :6] = -9999
    wavelengths = np.linspace(389.8, 2493.5, 7).astype(np.float32)
    transform = (
        (400000.0, 1.5, 0.9, 3780000.0, 0.9, -1.5) if turned else (400000.0, 3.2, 0.0, 3780000.0, 0.0, -3.2)
    )
    name = "AV520250508t173511_000_L1B_RDN_0_RDN.nc" if raw else "AV320230905t181518_L2A_OE_f576_RFL_ORT.nc"
    path = folder / name
    extra: dict[str, Any] = {"transform": transform}
    with h5py.File(path, "w") as file:
        grid = file.create_dataset(mapping, data=np.int8(0))
        wkt = rasterio.CRS.from_epsg(32611).to_wkt()
        grid.attrs["spatial_ref"] = wkt
        grid.attrs["crs_wkt"] = wkt
        grid.attrs["GeoTransform"] = " ".join(map(str, transform))
        if not turned and not raw:
            file["easting"] = transform[0] + (np.arange(COLS) + 0.5) * transform[1]
            file["northing"] = transform[3] + (np.arange(ROWS) + 0.5) * transform[5]
        group = file.create_group(kind)
        item = group.create_dataset(
            kind, data=cube.transpose(2, 0, 1), chunks=(3, 8, 8), compression="gzip", fillvalue=-9999.0
        )
        item.attrs["_FillValue"] = np.array([-9999.0], np.float32)
        item.attrs["grid_mapping"] = mapping
        group["wavelength"] = wavelengths
        group["fwhm"] = np.full(7, 7.4, np.float32)
        if raw:
            glt_x, glt_y = lookup_table()
            file["geolocation_lookup_table/sample"] = glt_x
            file["geolocation_lookup_table/line"] = glt_y
            extra["glt"] = glt_x, glt_y
    return Made(path, np.where(cube == -9999, np.nan, cube), wavelengths, extra)


HCW_NAMES = [
    "geocoded background", "shadow", "thin cirrus (water)", "medium cirrus (water)", "thick cirrus (water)",
    "land (clear)", "saturated", "snow/ice", "thin cirrus (land)", "medium cirrus (land)",
    "thick cirrus (land)", "thin haze (land)", "medium haze (land)", "thin haze/glint (water)",
    "med. haze/glint (water)", "cloud (land)", "cloud (water)", "water",
]  # fmt: skip


def make_neon(folder: Path, *, classes: bool = True) -> Made:
    """Write a NEON flight line; its windows of water vapour are stated, not marked."""
    wavelengths = np.array([383.6, 640.0, 1200.0, 1380.0, 1440.0, 1600.0, 1850.0, 2200.0])
    stored = np.rint(reflectance(8) * 10000).astype(np.int16)
    stored[:, -2:] = -9999
    path = folder / "NEON_D02_SERC_DP3_368000_4306000_reflectance.h5"
    flags = {}
    with h5py.File(path, "w") as file:
        group = file.create_group("SERC/Reflectance")
        group.attrs["Band_Window_1_Nanometers"] = np.array([1340, 1445], np.int16)
        group.attrs["Band_Window_2_Nanometers"] = np.array([1790, 1955], np.int16)
        item = group.create_dataset("Reflectance_Data", data=stored, chunks=(6, 5, 3), compression="gzip")
        item.attrs["Scale_Factor"] = np.float64(10000)
        item.attrs["Data_Ignore_Value"] = np.float64(-9999)
        item.attrs["Interleave"] = "BSQ"
        spectral = group.create_group("Metadata/Spectral_Data")
        spectral["Wavelength"] = wavelengths.astype(np.float32)
        spectral["FWHM"] = np.full(8, 5.8, np.float32)
        place = group.create_group("Metadata/Coordinate_System")
        place["Map_Info"] = np.bytes_(
            "UTM,  1.000,  1.000,       368000.00,       4307000.0,       1.0000000,       1.0000000,  18,"
            "  North,  WGS-84,  units=Meters, 0"
        )
        place["EPSG Code"] = np.bytes_("32618")
        if classes:
            rng = np.random.default_rng(4)
            values = rng.choice([5, 5, 5, 5, 5, 5, 5, 5, 9, 11, 15, 17], (ROWS, COLS)).astype(np.uint8)
            values[17, 12] = 5
            haze = group.create_dataset("Metadata/Ancillary_Imagery/Haze_Cloud_Water_Map", data=values)
            haze.attrs["Class_Names"] = np.array(HCW_NAMES, dtype=h5py.string_dtype())
            flags = {
                "cloud": values == 15,
                "cirrus": values == 9,
                "haze": values == 11,
                "water": values == 17,
            }
    cube = np.where(stored == -9999, np.nan, stored / 10000)
    bad = np.isin(wavelengths, [1380, 1440, 1850])
    return Made(path, cube, wavelengths, {"bad": bad, "flags": flags})


def make_tanager(folder: Path, *, kind: str = "GRIDS") -> Made:
    """Write a Tanager surface reflectance product, on a map or as a swath."""
    cube = reflectance(7)
    good = np.array([1, 1, 1, 0, 1, 1, 0], np.uint8)
    cube[..., good == 0] = -0.01
    wavelengths = np.linspace(376.4, 2499.0, 7)
    outside = np.zeros((ROWS, COLS), np.uint8)
    outside[:, :3] = 1
    cube[:, :3] = -9999
    cloud = np.zeros((ROWS, COLS), np.uint8)
    cloud[4, 5:9] = 1
    cirrus = np.roll(cloud, 3, axis=0)
    path = folder / f"20250601_104901_58_4001_{'ortho' if kind == 'GRIDS' else 'basic'}_sr_hdf5.h5"
    with h5py.File(path, "w") as file:
        group = file.create_group(f"HDFEOS/{kind}/HYP")
        group.attrs["epsg_code"] = np.int64(32632)
        item = group.create_dataset(
            "Data Fields/surface_reflectance",
            data=cube.transpose(2, 0, 1),
            chunks=(2, 7, 6),
            compression="gzip",
        )
        item.attrs["_FillValue"] = np.float32(-9999)
        item.attrs["wavelengths"] = wavelengths
        item.attrs["fwhm"] = np.full(7, 6.0)
        item.attrs["good_wavelengths"] = good
        for name, values in (
            ("nodata_pixels", outside), ("beta_cloud_mask", cloud), ("beta_cirrus_mask", cirrus)
        ):  # fmt: skip
            group[f"Data Fields/{name}"] = values
        file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_(
            'GROUP=GridStructure\n\tGROUP=GRID_1\n\t\tGridName="HYP"\n'
            f"\t\tXDim={COLS}\n\t\tYDim={ROWS}\n"
            f"\t\tUpperLeftPointMtrs=(345660.000000,6286110.000000)\n"
            f"\t\tLowerRightMtrs=({345660 + 30 * COLS}.000000,{6286110 - 30 * ROWS}.000000)\n"
            "\t\tProjection=HE5_GCTP_UTM\n\t\tZoneCode=32\n\t\tGridOrigin=HE5_HDFE_GD_UL\n"
        )
    physical = np.where(cube == -9999, np.nan, cube)
    return Made(path, physical, wavelengths, {"bad": good == 0, "cloud": cloud > 0, "cirrus": cirrus > 0})


# -- as xarray writes them ----------------------------------------------------------------------------
def labelled_cube() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Return stored int16 rows x cols x bands with fill -32768, wavelengths in um, and coordinates."""
    stored = np.rint(reflectance(8) * 10000).astype(np.int16)
    stored[1, 4] = -32768
    wavelengths = np.array([0.42, 0.55, 0.66, 0.81, 1.2, 1.65, 2.1, 2.4])
    x, y = 500005.0 + 10 * np.arange(COLS), 4649995.0 - 10 * np.arange(ROWS)
    return stored, wavelengths, {"x": x, "y": y}


def _physical(stored: np.ndarray) -> np.ndarray:
    return np.where(stored == -32768, np.nan, stored / 10000)


def make_netcdf(folder: Path, order: str = "byx", *, names: dict[str, str] | None = None) -> Made:
    """Write what ``Dataset.to_netcdf`` writes; ``order`` are the axes: b for bands, y and x."""
    stored, wavelengths, places = labelled_cube()
    called = {"b": "wavelength", "y": "y", "x": "x", **(names or {})}
    coordinates = {"b": wavelengths, **places}
    path = folder / "cube.nc"
    with h5py.File(path, "w") as file:
        scales = {}
        for letter, values in coordinates.items():
            scales[letter] = file.create_dataset(called[letter], data=values)
            scales[letter].make_scale(called[letter])
        scales["b"].attrs["units"] = "um"
        mapping = file.create_dataset("spatial_ref", data=np.int64(0))
        mapping.attrs["crs_wkt"] = rasterio.CRS.from_epsg(32633).to_wkt()
        mapping.attrs["GeoTransform"] = "0.0 1.0 0.0 0.0 0.0 1.0"  # of what it was cut out of
        width = file.create_dataset("fwhm", data=np.full(8, 0.01))
        width.dims[0].attach_scale(scales["b"])
        width.attrs["units"] = "um"
        item = file.create_dataset(
            "reflectance", data=stored.transpose(["yxb".index(axis) for axis in order]),
            chunks=(4, 5, 6), compression="gzip", fillvalue=-32768,
        )  # fmt: skip
        for axis, letter in enumerate(order):
            item.dims[axis].attach_scale(scales[letter])
        item.attrs["_FillValue"] = np.array([-32768], np.int16)
        item.attrs["scale_factor"] = np.float64(1e-4)
        item.attrs["grid_mapping"] = "spatial_ref"
        other = file.create_dataset("reflectance_uncertainty", data=np.zeros_like(item[...]))
        for axis, letter in enumerate(order):
            other.dims[axis].attach_scale(scales[letter])
    return Made(path, _physical(stored), wavelengths * 1000)


def make_zarr(folder: Path, order: str = "byx", *, version: int = 3) -> Made:
    """Write what ``Dataset.to_zarr`` writes in either version of Zarr."""
    import base64
    import struct

    import zarr

    stored, wavelengths, places = labelled_cube()
    called = {"b": "wavelength", "y": "y", "x": "x"}
    path = folder / "cube.zarr"
    group = zarr.open_group(str(path), mode="w", zarr_format=version)

    def put(name: str, values: Any, axes: list[str], **attributes: Any) -> None:
        settings: dict[str, Any] = {"chunks": tuple(max(1, n // 3) for n in values.shape) or (1,)}
        if version == 3:
            settings["dimension_names"] = axes
        else:
            attributes["_ARRAY_DIMENSIONS"] = axes
            if "_FillValue" in attributes:
                settings["fill_value"] = attributes.pop("_FillValue")
        array = group.create_array(name, shape=values.shape, dtype=values.dtype, **settings)
        array[...] = values
        array.attrs.update(attributes)

    for letter, values in {"b": wavelengths, **places}.items():
        units = {"units": "micrometer"} if letter == "b" else {}
        put(called[letter], values, [called[letter]], **units)
    put("fwhm", np.full(8, 0.01), ["wavelength"])
    put("spatial_ref", np.zeros(1), ["one"], crs_wkt=rasterio.CRS.from_epsg(32633).to_wkt())
    turned = stored.transpose(["yxb".index(axis) for axis in order])
    put(
        "reflectance", turned, [called[letter] for letter in order],
        _FillValue=-32768, scale_factor=1e-4, grid_mapping="spatial_ref",
    )  # fmt: skip
    if version == 3:
        fill = base64.standard_b64encode(struct.pack("<d", -32768.0)).decode()
        group["reflectance"].attrs["_FillValue"] = fill
    return Made(path, _physical(stored), wavelengths * 1000)
