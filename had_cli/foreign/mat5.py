"""MATLAB files of version 5, walked before they are parsed.

scipy parses cells and structures by recursion in C, and believes the sizes and types it is told: nested some
ten thousand times they end the process, as does a type that is none, and a head of 50 bytes can ask for
gigabytes. Here the elements are
walked with a stack of their own, as
https://www.mathworks.com/help/pdf_doc/matlab/matfile_format.pdf lays them out. Arrays of numbers, which
are most of a file, are passed over by their heads.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from dataclasses import dataclass
from functools import partial
from typing import BinaryIO, Protocol

DEEPEST = 64
_HEAD = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCTURE, _OBJECT, _SPARSE = 1, 2, 3, 5
_VALUES = {*range(1, 8), 9, 12, 13, 16, 17, 18}  # types that values can have
_COMPLEX = 0x800
_FUNCTION, _OPAQUE = 16, 17
_RATIO = 1040  # zlib makes at most 1032 bytes of one
_NAMES = 1 << 20
_FIELDLESS = 1 << 16  # elements of structures without fields, which take no bytes; others take eight


class _Stream(Protocol):
    def read(self, count: int) -> bytes: ...

    def skip(self, count: int) -> None: ...


def check_structure(file: BinaryIO) -> None:
    """Check that elements lie within each other as they say, hold as many as they say, and not too deep.

    Parameters
    ----------
    file
        A .mat file, open at its begin; one of version 4 is left alone, being flat.

    Raises
    ------
    ValueError
        Saying what is wrong.
    """
    head = file.read(_HEAD)
    order = {b"IM": "<", b"MI": ">"}.get(head[126:128])
    if order is None or 0 in head[:4]:
        return
    size = os.fstat(file.fileno()).st_size
    place = _HEAD
    while place + 8 <= size:
        kind, count = struct.unpack(f"{order}II", file.read(8))
        place += 8
        if count > size - place:
            raise ValueError("an element is longer than the file")
        if kind == _MATRIX:
            _walk(_Plain(file), order, count)
        elif kind == _COMPRESSED:
            inside = _Packed(file, count)
            kind, length = struct.unpack(f"{order}II", inside.read(8))
            if kind == _MATRIX:
                if length > _RATIO * count:
                    raise ValueError("an element is longer than its compressed bytes can be")
                _walk(inside, order, length)
        place += count
        file.seek(place)


@dataclass
class _Level:
    """A matrix that is being walked: bytes left in it, and matrices that are still to come."""

    left: int
    expected: int


def _walk(stream: _Stream, order: str, length: int) -> None:
    """Walk the content of a matrix of ``length`` bytes."""
    levels = [_begin(stream, order, length)]
    while levels:
        top = levels[-1]
        if not top.expected:
            if len(levels) > 1:
                stream.skip(top.left)
            levels.pop()
            continue
        if top.left < 8:
            raise ValueError("a cell or structure holds fewer elements than it says")
        kind, count = struct.unpack(f"{order}II", stream.read(8))
        top.left -= 8 + count
        top.expected -= 1
        if kind != _MATRIX or top.left < 0:
            raise ValueError("an element does not lie within what holds it")
        if len(levels) == DEEPEST:
            raise ValueError(f"cells and structures are nested more than {DEEPEST} deep")
        levels.append(_begin(stream, order, count) if count else _Level(0, 0))


def _begin(stream: _Stream, order: str, length: int) -> _Level:
    """Read the head of a matrix, and return what is to be walked of it."""
    level = _Level(length, 0)
    part = partial(_part, stream, order, level)
    flags = part()
    if len(flags) < 8:
        raise ValueError("an array has no flags")
    word = struct.unpack(f"{order}I", flags[:4])[0]
    kind = word & 0xFF
    if kind not in {_CELL, _STRUCTURE, _OBJECT, _FUNCTION, _OPAQUE}:
        part()  # sizes
        part()  # name
        _check_values(stream, order, level, (3 if kind == _SPARSE else 1) + bool(word & _COMPLEX))
        return level
    sizes = part()  # of an opaque object: the first of three names
    part()
    if kind in {_FUNCTION, _OPAQUE}:
        if kind == _OPAQUE:
            part()
        return _Level(level.left, 1)
    count = math.prod(struct.unpack(f"{order}{len(sizes) // 4}i", sizes[: len(sizes) // 4 * 4]))
    fields = 1
    if kind != _CELL:
        if kind == _OBJECT:
            part()
        width = int.from_bytes(part(), "little" if order == "<" else "big")
        fields = len(part()) // max(1, width)
    if not 0 <= count * max(1, fields) <= (level.left // 8 if fields else _FIELDLESS):
        raise ValueError(f"a cell or structure of {count} elements does not fit into the file")
    return _Level(level.left, count * fields)


def _check_values(stream: _Stream, order: str, level: _Level, parts: int) -> None:
    """Check the types of the parts that hold an array's values; the last is not passed over."""
    skipped = 0
    for _ in range(parts):
        stream.skip(skipped)
        if level.left < 8:
            raise ValueError("an array has no values")
        kind, count = struct.unpack(f"{order}II", stream.read(8))
        level.left -= 8
        if kind >> 16:
            kind, count = kind & 0xFFFF, 0
        if kind not in _VALUES:
            raise ValueError(f"the values of an array are of type {kind}, which there is not")
        skipped = min(count + -count % 8, level.left)
        level.left -= skipped
    level.left += skipped


def _part(stream: _Stream, order: str, level: _Level) -> bytes:
    """Return the content of a short element: flags, sizes or names."""

    def take(count: int) -> bytes:
        level.left -= count
        if level.left < 0:
            raise ValueError("an element does not lie within what holds it")
        return stream.read(count)

    kind, count = struct.unpack(f"{order}II", take(8))
    if kind >> 16:  # the small form: length, type and up to four bytes in one word and the next
        return struct.pack(f"{order}I", count)[: kind >> 16]
    if count > _NAMES:
        raise ValueError("a name or a list of sizes is too long")
    return take(count + -count % 8)[:count]


class _Plain:
    """Bytes as they lie in the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, count: int) -> bytes:
        found = self._file.read(count)
        if len(found) < count:
            raise ValueError("the file ends within an array")
        return found

    def skip(self, count: int) -> None:
        self._file.seek(count, os.SEEK_CUR)


class _Packed:
    """Bytes behind zlib, unpacked as far as they are asked for."""

    def __init__(self, file: BinaryIO, count: int) -> None:
        self._file, self._left = file, count
        self._unpacker = zlib.decompressobj()
        self._ready = b""

    def read(self, count: int) -> bytes:
        while len(self._ready) < count:
            raw = self._unpacker.unconsumed_tail
            if not raw:
                raw = self._file.read(min(self._left, 1 << 16))
                self._left -= len(raw)
            fresh = self._unpacker.decompress(raw, 1 << 20) if raw else b""
            if not raw and not fresh:
                raise ValueError("the compressed data end within an array")
            self._ready += fresh
        found, self._ready = self._ready[:count], self._ready[count:]
        return found

    def skip(self, count: int) -> None:
        while count:
            piece = min(count, 1 << 16)
            self.read(piece)
            count -= piece
