"""The text of an ENVI header: fields, lists and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import IO

from had_cli.errors import SceneError

_FORBIDDEN = re.compile(r"[,{}\r\n]")
# The beginning of a field's name, as it is left where a header is cut.
_CUT = re.compile(r"\s*[A-Za-z][A-Za-z ]*")
_MARK = b"\xef\xbb\xbf"  # some editors put it before UTF-8 text
_LIMIT = 64 * 1024 * 1024


class Header:
    """The fields of an ENVI header, by lower-case name, with typed access.

    Every access raises :class:`SceneError` naming the header and the field where a value is missing
    or is not what it must be.
    """

    def __init__(self, path: str, fields: Mapping[str, str]) -> None:
        self.path = path
        self.fields = fields
        self.notes: tuple[str, ...] = ()

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def text(self, name: str) -> str | None:
        """Return the value without its braces, or None."""
        value = self.fields.get(name)
        return value[1:-1].strip() if value is not None and value.startswith("{") else value

    def texts(self, name: str) -> list[str] | None:
        """Return the items of a list, or None."""
        value = self.text(name)
        return None if value is None else [item.strip() for item in value.split(",")] if value else []

    def numbers(self, name: str, count: int, notes: list[str] | None = None) -> list[float] | None:
        """Return a list of ``count`` numbers, or None where the field is absent or empty.

        With ``notes``, a list that is not that is ignored, and they tell so.
        """
        items = self.items(name, count, notes)
        try:
            return None if items is None else [self._number(name, item) for item in items]
        except SceneError:
            if notes is None:
                raise
            notes.append(f"the values of {name!r} are not numbers and are ignored")
            return None

    def items(self, name: str, count: int, notes: list[str] | None = None) -> list[str] | None:
        """Return the ``count`` items of a per-band list, or None where the field is absent or empty.

        With ``notes``, a list of another length is ignored, and they tell so: it describes something, but
        not these bands.
        """
        items = self.texts(name)
        if items and not items[-1]:
            items.pop()  # many programs leave a comma behind the last value
        if not items:
            return None
        if len(items) != count and len(items) == 1 and len(items[0].split()) == count:
            return items[0].split()  # written without commas
        if len(items) != count and notes is not None:
            notes.append(f"{len(items)} values of {name!r} for {count} bands: they are ignored")
            return None
        if len(items) != count:
            raise SceneError(
                f"{self.path}: {len(items)} values of {name!r} for {count} bands; correct or remove the field"
            )
        return items

    def number(self, name: str) -> float | None:
        """Return one number, or None."""
        value = self.text(name)
        return None if not value else self._number(name, value)

    def integer(self, name: str, default: int | None = None) -> int:
        """Return one whole number."""
        value = self.text(name)
        if not value:
            if default is None:
                raise SceneError(f"{self.path}: the header has no {name!r}; add it")
            return default
        number = self._number(name, value)
        if not number.is_integer():
            raise SceneError(f"{self.path}: {name!r} is {value!r}, not a whole number; correct it")
        return int(number)

    def _number(self, name: str, text: str) -> float:
        try:
            return float(text)
        except ValueError as error:
            raise SceneError(
                f"{self.path}: {name!r} holds {text!r}, which is not a number; correct it"
            ) from error


def read_header(path: str | Path) -> Header:
    """Return the header in a file.

    Raises
    ------
    SceneError
        When the file is not an ENVI header.
    """
    try:
        with Path(path).open("rb") as file:
            if not begins(file):
                raise SceneError(
                    f"{path}: is not an ENVI header (its first line is not 'ENVI'); name the raster itself"
                )
            content = file.read(_LIMIT)
    except OSError as error:
        raise SceneError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    header = Header(str(path), parse(text, str(path)))
    last = text.splitlines()[-1]
    if not text.endswith(("\n", "\r")) and "=" in last and not last.rstrip().endswith("}"):
        # whole or cut, nobody can tell: some editors leave the last newline out
        header.notes = (
            f"the header ends without a new line: if {last.strip()[:60]!r} is cut, copy it again",
        )
    return header


def is_esri(path: Path) -> bool:
    """Return whether a header is of ESRI's kind (NROWS, NCOLS, ...) and not ENVI's."""
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    return all(re.search(rb"(?im)^\s*%s\s" % name, head) for name in (b"NROWS", b"NCOLS"))


def begins(file: IO[bytes]) -> bool:
    """Return whether an ENVI header begins here, and read its first word."""
    first = file.read(4)
    if first.startswith(_MARK):
        first = first[len(_MARK) :] + file.read(len(_MARK))
    return first == b"ENVI"


def parse(text: str, where: str) -> dict[str, str]:
    """Return the fields of a header's text (after its first word), names in lower case.

    Raises
    ------
    SceneError
        When the text ends in the middle of a field.
    """
    fields: dict[str, str] = {}
    lines = text.splitlines()
    place = 0
    while place < len(lines):
        line = lines[place]
        place += 1
        name, equals, value = line.partition("=")
        if line.lstrip().startswith(";"):
            continue
        if not equals:
            if place == len(lines) and place > 1 and _CUT.fullmatch(line) and not text.endswith(("\n", "\r")):
                raise SceneError(f"{where}: the header ends in the middle of {line!r}; copy it again")
            continue
        name, value = " ".join(name.lower().split()), value.strip()
        if not value and place < len(lines) and lines[place].lstrip().startswith("{"):
            value = lines[place].strip()  # some programs begin a list on a line of its own
            place += 1
        if value.startswith("{"):
            parts = [value]
            while "}" not in parts[-1]:
                if place == len(lines):
                    raise SceneError(
                        f"{where}: the field {name!r} opens a brace that is never closed: the header is "
                        "cut off, or damaged; copy it again or correct it"
                    )
                parts.append(lines[place].strip())
                place += 1
            value = "\n".join(parts)
            value = value[: value.index("}") + 1]
        elif not value and place == len(lines) and not text.endswith(("\n", "\r")):
            raise SceneError(f"{where}: the header ends in the middle of the field {name!r}; copy it again")
        fields[name] = value
    return fields


def listed(items: Iterable[str]) -> str:
    """Return a brace list, wrapped so that old readers' line buffers hold it."""
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) > 100:
            lines.append(line)
            line = ""
        line += f"{item}, "
    return "{" + "\n ".join([*lines, line.removesuffix(", ")]) + "}"


def representable(items: Iterable[str]) -> bool:
    """Return whether a brace list can hold these texts and give them back."""
    return all(
        item and item == item.strip() and not _FORBIDDEN.search(item) and len(item.splitlines()) == 1
        for item in items
    )
