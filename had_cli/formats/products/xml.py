"""The XML that lies beside rasters: read with a limit, and without what XML can do to its reader."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

import numpy as np
import numpy.typing as npt
from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from had_cli.errors import SceneError

# Metadata take some hundred kilobytes; an EnMAP scene with long lists of dead pixels a few megabytes.
LIMIT = 64 * 1024 * 1024


def read_xml(path: Path) -> Element:
    """Return the root element.

    Raises
    ------
    SceneError
        When it is no XML, is larger than any metadata, or declares entities.
    """
    try:
        size = path.stat().st_size
        if size > LIMIT:
            raise SceneError(f"{path}: {size} bytes are no metadata of a product; download it again")
        root: Element = fromstring(path.read_bytes(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, OSError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SceneError(f"{path}: cannot be read as XML ({reason}); download it again") from error
    return root


def column(bands: list[Element], tag: str, path: Path) -> npt.NDArray[np.float64]:
    """Return the number under ``tag`` of each band.

    Raises
    ------
    SceneError
        When one is missing or no number.
    """
    found = []
    for index, band in enumerate(bands):
        try:
            found.append(float(band.findtext(tag) or ""))
        except ValueError as error:
            raise SceneError(f"{path}: band {index + 1} states no {tag}; download it again") from error
    return np.array(found)


def integers(text: str | None) -> list[int]:
    """Return whole numbers that commas or spaces part; what is none is passed over."""
    return [int(word) for word in (text or "").replace(",", " ").split() if word.isdigit()]
