"""Scenes that lie on a server: which names say so, and how much of a name may be shown."""

from __future__ import annotations

import re
from pathlib import PurePath
from urllib.parse import parse_qs, urlsplit

# object stores and servers, by the names that people use, and as GDAL calls them
_SYSTEMS = {
    **dict.fromkeys(("http", "https", "ftp"), "/vsicurl/"),
    "s3": "/vsis3/",
    "gs": "/vsigs/",
    "az": "/vsiaz/",
}
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*)://", re.IGNORECASE)
_VIRTUAL = re.compile(r"/vsi(curl|s3|gs|az|adls|oss|swift|webhdfs|hdfs)(_streaming)?(/|\?)")
_SECRET = re.compile(r"(?<=://)[^/@\s]*@|[?].*", re.DOTALL)


def is_remote(path: str) -> bool:
    """Tell whether ``path`` names something that comes over the network."""
    scheme = _SCHEME.match(path)
    return _VIRTUAL.search(path) is not None or (
        scheme is not None and scheme[1].lower() in {*_SYSTEMS, "ftps"}
    )


def gdal_name(path: str) -> str:
    """Return GDAL's name for a path or URL: ``s3://bucket/key`` is ``/vsis3/bucket/key``."""
    scheme = _SCHEME.match(path)
    if scheme is None or scheme[1].lower() not in _SYSTEMS:
        return path
    system = _SYSTEMS[scheme[1].lower()]
    return system + (path if system == "/vsicurl/" else path[scheme.end() :])


def public(path: str) -> str:
    """Return a URL without user, password and query, which may hold keys; any other path as it is.

    What is written into files and messages is read by others.
    """
    if not is_remote(path):
        return path
    if "/vsicurl?" in path:  # the address is a part of the query
        address = parse_qs(path.partition("?")[2]).get("url", [""])[0]
        return f"/vsicurl/{public(address)}"
    return _SECRET.sub("", path)


def file_name(path: str) -> str:
    """Return the last part of a path or URL, without query."""
    shown = public(path)
    return PurePath(urlsplit(shown).path if "://" in shown else shown).name
