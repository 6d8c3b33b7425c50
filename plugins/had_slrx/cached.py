"""The three distances on the CPU: by rows of blocks what numpy does, by blocks what LAPACK does.

Threads compute pieces of the scene side by side, and whenever one of them lets go of the interpreter's lock
for a moment, another takes it and both wait. So what is quick is done for a whole row of blocks at once; only
products, factors and solves go block by block, and sums of large matrices, which stay in the cache that way.
Arrays are made once for a piece, since fresh memory costs more than what is computed in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from had_cli.plugin import (
    Block,
    Extrema,
    add_packed_outer,
    add_packed_products,
    cholesky_in_place,
    factorise_packed,
    invert_triangle,
    multiply_in_place,
    packed_diagonal,
    packed_size,
    solve_packed,
)
from had_slrx.triangles import RIDGE, Scene

Float = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of blocks: scaled pixels less the scene's mean, and their sums, in double precision.

    Sums, not means, are kept, since those of a union of blocks are the sums of its parts; with the
    scene's mean taken off, nothing cancels that would show beside the ridge.

    Attributes
    ----------
    pixels : across x size^2 x bands, zero where they do not count
    weight : across x size^2, 1 where a pixel counts, 0 where it is invalid or beyond the scene's edge; None
        where all count
    count, total : across (x bands), sums over the pixels of a block
    products : across x numbers of a packed matrix, sums of their outer products
    """

    pixels: Float
    weight: Float | None
    count: Float
    total: Float
    products: Float


def distances(block: Block, size: int, extrema: Extrema, scene: Scene) -> npt.NDArray[np.float32]:
    """Return core height x core width x 3 distances: from the block, its surroundings, the scene."""
    core, down = block.core, -(-block.cube.shape[0] // size)
    part = slice(core.col // size, core.col // size + -(-core.width // size))
    room = Room.of(block, size, part, scene)
    result = np.empty((core.height, core.width, 3), np.float32)
    kept: dict[int, Row] = {}
    for index, row in enumerate(range(core.row // size, core.row // size + -(-core.height // size))):
        # three rows of blocks at a time are in double precision, whatever the height
        near = [r for r in (row - 1, row, row + 1) if 0 <= r < down]
        kept = {r: kept[r] if r in kept else _row(block, r, size, extrema, scene, room) for r in near}
        own, beside = kept[row], [kept[r] for r in near if r != row]
        to_scene = _lengths(own.pixels[part], room)
        around = np.where(*_from_others(own, beside, part, room), to_scene)
        inside = np.where(*_from_own(own, part, room), around)
        strip = result[index * size : (index + 1) * size]
        for layer, values in enumerate((inside, around, to_scene)):
            image = values.reshape(-1, size, size).transpose(1, 0, 2).reshape(size, -1)
            strip[..., layer] = image[: len(strip), : core.width]
    return result


@dataclass(frozen=True, slots=True)
class Room:
    """Arrays that one row of blocks after the other takes.

    Attributes
    ----------
    root : of the scene, in the precision of products with it
    scaled : size x width x bands, in single precision
    pixels, products : of three rows of blocks, as :class:`Row` has them
    rows, columns, centred : of the blocks to be answered for; pixels x bands, bands x pixels, pixels x bands
    """

    root: npt.NDArray[np.floating]
    scaled: npt.NDArray[np.float32]
    pixels: Float
    products: Float
    rows: npt.NDArray[np.floating]
    columns: Float
    centred: Float

    @classmethod
    def of(cls, block: Block, size: int, part: slice, scene: Scene) -> Room:
        """Return room for rows of the blocks in a piece of the scene."""
        _, width, bands = block.cube.shape
        across, count, pixels, packed = -(-width // size), part.stop - part.start, size**2, packed_size(bands)
        root = scene.root.astype(scene.precision)
        return cls(
            root=root,
            scaled=np.empty((size, width, bands), np.float32),
            pixels=np.empty((3, across, pixels, bands)),
            products=np.empty((3, across, packed)),
            rows=np.empty((count, pixels, bands), root.dtype),
            columns=np.empty((count, bands, pixels)),
            centred=np.empty((count, pixels, bands)),
        )


def _row(block: Block, row: int, size: int, extrema: Extrema, scene: Scene, room: Room) -> Row:
    strip = slice(row * size, (row + 1) * size)
    cube, valid = block.cube[strip], block.valid[strip]
    height, width, bands = cube.shape
    across = -(-width // size)
    # scaled in single precision, as the definition has it
    scaled = np.subtract(cube, extrema.low, out=room.scaled[:height])
    scaled /= (extrema.high - extrema.low) or 1.0
    if (height, width) != (size, across * size):  # at the scene's right and bottom edge
        beyond = (0, size - height), (0, across * size - width)
        scaled, valid = np.pad(scaled, (*beyond, (0, 0))), np.pad(valid, beyond)
    pixels = room.pixels[row % 3].reshape(across, size, size, bands)
    pixels[...] = scaled.reshape(size, across, size, bands).transpose(1, 0, 2, 3)
    pixels -= scene.mean
    pixels = pixels.reshape(across, size * size, bands)
    weight = None
    if not valid.all():
        counts = valid.reshape(size, across, size).transpose(1, 0, 2).reshape(across, -1)
        pixels[~counts] = 0
        weight = counts.astype(np.float64)
    count = np.full(across, float(size * size)) if weight is None else weight.sum(axis=-1)
    products = room.products[row % 3]
    for rows, packed in zip(pixels, products, strict=True):
        add_packed_products(packed, rows, to=0.0)
    return Row(pixels, weight, count, np.ones(size * size) @ pixels, products)


def _from_others(own: Row, beside: list[Row], part: slice, room: Room) -> tuple[npt.NDArray[np.bool_], Float]:
    """Return which blocks of ``part`` have surroundings of two pixels or more, and distances from these."""
    count = _around(own.count, [row.count for row in beside], part)
    total = _around(own.total, [row.total for row in beside], part)
    products = _one_by_one(own.products, [row.products for row in beside], part)
    return _from_sums(own.pixels[part], count, total, products, room)


def _around(own: Float, beside: list[Float], part: slice) -> Float:
    """Return the sum over the up to eight neighbours of each block of ``part``: columns, then rows."""
    outer = sum(beside, np.zeros_like(own))
    whole = np.pad(own + outer, ((1, 1), *((0, 0),) * (own.ndim - 1)))
    sums: Float = outer[part] + whole[part] + whole[part.start + 2 : part.stop + 2]
    return sums


def _one_by_one(own: Float, beside: list[Float], part: slice) -> Iterator[Float]:
    """Yield the same sums block by block, so that what is large stays in the core's own cache.

    Each may be overwritten, and is by the next one.
    """
    last = len(own) - 1
    # of the block and its two neighbours: sums of what lies above and below, and of the whole column
    outer, whole = np.empty((2, *own.shape[1:])), np.empty((3, *own.shape[1:]))
    result = np.empty(own.shape[1:])
    for index in range(max(0, part.start - 1), part.stop + 1):
        if index <= last:
            if len(beside) > 1:
                np.add(beside[0][index], beside[1][index], out=outer[index % 2])
            else:
                outer[index % 2] = beside[0][index] if beside else 0
            np.add(own[index], outer[index % 2], out=whole[index % 3])
        now = index - 1
        if now < part.start:
            continue
        if now:
            np.add(outer[now % 2], whole[(now - 1) % 3], out=result)
        else:
            result[...] = outer[now % 2]
        if index <= last:
            result += whole[index % 3]
        yield result


def _from_sums(
    pixels: Float, count: Float, total: Float, products: Iterable[Float], room: Room
) -> tuple[npt.NDArray[np.bool_], Float]:
    """Return which sets have two pixels or more, and the distances of blocks x n x bands from them.

    sqrt(x^T (S / (n - 1) + ridge I)^-1 x), with the scatter S of the sums, which are overwritten.
    """
    bands = pixels.shape[-1]
    free, mean = np.maximum(count - 1, 1), total / np.maximum(count, 1)[:, None]
    ridge, diagonal = RIDGE * free, packed_diagonal(bands)
    columns = np.subtract(pixels.transpose(0, 2, 1), mean[:, :, None], out=room.columns)
    enough = count >= 2
    for index, scatter in enumerate(products):
        if enough[index]:
            scatter[diagonal] += ridge[index]
            add_packed_outer(scatter, total[index], -1 / float(count[index]))
            factorise_packed(scatter, bands)
            solve_packed(scatter, columns[index])
    return enough[:, None], np.sqrt(np.einsum("kij,kij->kj", columns, columns) * free[:, None])


def _from_own(row: Row, part: slice, room: Room) -> tuple[npt.NDArray[np.bool_], Float]:
    """Return which blocks have two pixels or more, and the distances of their pixels from them.

    With U = centred pixels / sqrt(n - 1), S = U^T U and the n x n matrix K = U U^T, Woodbury's identity gives
    d_i^2 = (n - 1) [(K + ridge I)^-1 K]_ii = (n - 1) (1 - ridge [(K + ridge I)^-1]_ii): a block of 64
    pixels with 200 bands needs a 64 x 64 system instead of a 200 x 200 one. Of the inverse only the diagonal
    is wanted: with K + ridge I = R^T R it is the squared length of each row of R^-1.
    """
    pixels, count, total = row.pixels[part], row.count[part], row.total[part]
    _, size, bands = pixels.shape
    if size > bands:
        return _from_sums(pixels, count, total, row.products[part].copy(), room)
    mean = total / np.maximum(count, 1)[:, None]
    centred = np.subtract(pixels, mean[:, None], out=room.centred)
    if row.weight is not None:
        centred *= row.weight[part][..., None]
    free = np.maximum(count - 1, 1)[:, None]
    gram = centred @ centred.transpose(0, 2, 1)
    gram.reshape(len(gram), -1)[:, :: size + 1] += RIDGE * free
    for matrix in gram:
        cholesky_in_place(matrix)
        invert_triangle(matrix)
    gram *= np.tri(size).T  # what lies below the diagonal is what was there before
    leverage = 1 - RIDGE * free * np.vecdot(gram, gram)
    return (count >= 2)[:, None], np.sqrt(np.maximum(leverage, 0) * free)


def _lengths(pixels: Float, room: Room) -> Float:
    """Return the length of each row of pixels root, in the precision of root."""
    room.rows[...] = pixels
    rows = room.rows.reshape(-1, pixels.shape[-1])
    multiply_in_place(rows, room.root, lower=True)
    return np.asarray(np.sqrt(np.vecdot(rows, rows)), np.float64).reshape(pixels.shape[:2])
