"""How GDAL asks servers, and what to say when one does not answer."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from rasterio.env import getenv, hasenv

from had_cli.errors import SceneError
from had_cli.scenes.urls import gdal_name, public

# What the user has not set, in the environment or by rasterio.Env, is set so.
_DEFAULTS = {
    # after half a second, one and two, or a little more: a wrong name of a server is told in some seconds
    "GDAL_HTTP_MAX_RETRY": "3",
    "GDAL_HTTP_RETRY_DELAY": "0.5",
    # 0: no answer, as of a line that stands still; the rest are those that GDAL takes by itself
    "GDAL_HTTP_RETRY_CODES": "0,429,500,502,503,504",
    # a slow line is no fault, one that stands still is: so no limit for a whole request
    "GDAL_HTTP_CONNECTTIMEOUT": "15",
    "GDAL_HTTP_LOW_SPEED_TIME": "30",
    "GDAL_HTTP_LOW_SPEED_LIMIT": "1",
    # no listing of the folder; masks and georeferences beside the file are asked for by name, as locally
    "GDAL_DISABLE_READDIR_ON_OPEN": "TRUE",
    # the head of a file with hundreds of bands in one request
    "GDAL_INGESTED_BYTES_AT_OPEN": "32768",
    # what is read is rounded to such pieces: with GDAL's 16 KB a small tile would cost half as much again
    "CPL_VSIL_CURL_CHUNK_SIZE": "4096",
    "CPL_VSIL_CURL_CACHE_SIZE": "16777216",
    # GDAL tells the status of answers in these messages alone
    "CPL_DEBUG": "VSICURL,VSIS3,VSIGS,VSIAZ",
}
_LOGGERS = ("rasterio._err", "rasterio._env")
_STATUS = re.compile(r"(?:response_code=|HTTP response code: |HTTP error code: )(\d+)")
_REASON = re.compile(r"(?:response_code=\d+, msg=|CURL error: )([^'\"\n]+)")
_CREDENTIALS = re.compile(r"\b(AWS|GS|GOOGLE|AZURE)_\w+|credentials", re.IGNORECASE)
_NO_RANGES = re.compile(r"range downloading not supported", re.IGNORECASE)
_FINE = (200, 206)
_PROXIES = ("GDAL_HTTP_PROXY", "GDAL_HTTPS_PROXY")


def network_settings() -> dict[str, str]:
    """Return the options for GDAL that the user has not set."""
    known = getenv() if hasenv() else {}
    return {name: value for name, value in _DEFAULTS.items() if name not in os.environ and name not in known}


def look_up(path: str) -> None:
    """Ask once whether a server has the name in an address.

    GDAL asks again whenever it tries again, for each file that it looks for, and where no network is every
    question can take twenty seconds. A proxy looks up names by itself.

    Raises
    ------
    SceneError
        Where no server has it.
    """
    host = _host(path)
    if host is None:
        return
    import socket
    from urllib.request import getproxies  # loads what speaks HTTP

    known = getenv() if hasenv() else {}
    if getproxies().keys() & {"http", "https", "ftp", "all"} or any(
        name in os.environ or name in known for name in _PROXIES
    ):
        return
    try:
        socket.getaddrinfo(host, None)
    except (OSError, UnicodeError) as error:  # UnicodeError: no name of a server looks so
        said = getattr(error, "strerror", None) or error
        raise SceneError(
            f"{public(path)}: the server does not answer (no address of {host} is found: {said}); check "
            "address and network, or try later"
        ) from error


def _host(path: str) -> str | None:
    """Return the server in the address of a file; None for stores, whose addresses GDAL makes."""
    inside = gdal_name(path)
    if not inside.startswith("/vsicurl/"):
        return None
    try:
        return urlsplit(inside.removeprefix("/vsicurl/")).hostname
    except ValueError:  # brackets that do not close; GDAL says more
        return None


class Listener(logging.Filter):
    """What GDAL says of its requests while an action runs.

    Attributes
    ----------
    status : of the last answer for the file itself that was no success; 0: there was none
    reason : why there was no answer
    ranges : whether the server sends parts of files
    """

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = public(path)
        self.status: int | None = None
        self.reason: str | None = None
        self.ranges = True

    def filter(self, record: logging.LogRecord) -> bool:
        """Take in a message; those that were asked for here alone go no further."""
        text = record.getMessage()
        found, reason = _STATUS.search(text), _REASON.search(text)
        self.ranges = self.ranges and not _NO_RANGES.search(text)
        # a file that GDAL looks for beside this one may well be missing
        beside = "GetFileSize(" in text and self._path.rpartition("/")[2] + ")" not in text
        if found and not beside:
            status = int(found[1])
            self.status = self.status if status in _FINE else status
        if reason and not beside:
            self.reason = reason[1]
        return record.levelno > logging.DEBUG

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Return a context in which GDAL is listened to."""
        loggers = [logging.getLogger(name) for name in _LOGGERS]
        before = [logger.level for logger in loggers]
        for logger in loggers:
            logger.addFilter(self)
            logger.setLevel(logging.DEBUG)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)
                logger.removeFilter(self)


def failure(path: str, heard: Listener, reason: str) -> SceneError:
    """Return what to say of a file on a server that cannot be read, after ``reason`` from GDAL."""
    status = heard.status
    if not heard.ranges:
        said = "the server does not send parts of files; download it and name the copy"
    elif status in {404, 410}:
        said = f"there is no such file on the server (HTTP status {status}); check the address"
    elif status in {401, 403}:
        said = (
            f"the server refuses access (HTTP status {status}); check the address, or give credentials as "
            "GDAL takes them"
        )
    elif status:
        said = (
            f"the server fails (HTTP status {status}), also when asked again; try later, or download it and "
            "name the copy"
        )
    elif _CREDENTIALS.search(reason):
        said = f"the store wants credentials ({reason})"
    elif status == 0 or heard.reason:
        said = (
            f"the server does not answer ({heard.reason or reason}); check address and network, or try later"
        )
    else:
        said = f"GDAL cannot read it ({reason}); is it a raster, and complete? Or download it"
    return SceneError(f"{public(path)}: {said}")
