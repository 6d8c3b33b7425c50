"""A local HTTP server with range requests, and with the faults that real ones have.

It is a process of its own: GDAL asks for bytes while it holds Python's lock, and a server in a thread of the
same process would wait for that lock for ever.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


class Served:
    """A running server over a folder.

    Parameters
    ----------
    folder
        Whose files it serves.
    log
        File with a JSON line for each request: method, path, range, status and bytes of the body.
    """

    def __init__(self, folder: Path, log: Path, port: int) -> None:
        self.folder, self._log, self.port = folder, log, port
        self.address = f"http://127.0.0.1:{port}"

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"

    @property
    def requests(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]

    def sent(self, name: str) -> int:
        """Return how many bytes of a file went out."""
        return sum(r["bytes"] for r in self.requests if r["path"] == f"/{name}")


@contextlib.contextmanager
def serving(folder: Path, *faults: str) -> Iterator[Served]:
    """Yield a server over a folder.

    ``faults`` are ``STATUS@N``, ``reset@N`` or ``wait@N``: what request number N (from 1) for bytes of a file
    meets; ``@N+`` is every request from N on.
    """
    log = folder.parent / f"{folder.name}.requests"
    log.write_text("")
    command = [sys.executable, __file__, str(folder), str(log), *faults]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(folder, log, int(process.stdout.readline()))
        finally:
            process.kill()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: else each of many small answers waits for the other side
    server: Any

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        file = self.server.folder / path.lstrip("/")
        if not file.is_file():
            self._finish(404, b"", body=body)
            return
        fault = self._fault() if body else None
        if fault == "reset":
            self._note(0, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if fault == "wait":
            time.sleep(30)
        elif fault is not None:
            self._finish(int(fault), b"", body=body)
            return
        size = file.stat().st_size
        asked = re.match(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = (int(asked[1]), min(int(asked[2] or size - 1), size - 1)) if asked else (0, size - 1)
        if first >= size:
            self._finish(416, b"", body=body)
            return
        with file.open("rb") as stream:
            stream.seek(first)
            data = stream.read(last - first + 1) if body else b""
        extra = {"Accept-Ranges": "bytes"}
        if asked:
            extra["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._finish(206 if asked else 200, data, body=body, length=last - first + 1, extra=extra)

    def _finish(
        self, status: int, data: bytes, *, body: bool, length: int = 0, extra: dict[str, str] | None = None
    ) -> None:
        self._note(status, len(data))
        self.send_response(status)
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        if body:
            self.wfile.write(data)

    def _fault(self) -> str | None:
        self.server.count += 1
        for what, number in self.server.faults:
            first = int(number.rstrip("+"))
            if self.server.count == first or (number.endswith("+") and self.server.count > first):
                return what
        return None

    def _note(self, status: int, sent: int) -> None:
        line = {
            "method": self.command,
            "path": self.path.split("?")[0],
            "range": self.headers.get("Range"),
            "status": status,
            "bytes": sent,
        }
        with self.server.log.open("a") as log:
            log.write(json.dumps(line) + "\n")


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:  # a client that hung up is no matter for the test's output
        pass


if __name__ == "__main__":
    server: Any = _Server(("127.0.0.1", 0), _Handler)
    server.folder, server.log, server.count = Path(sys.argv[1]), Path(sys.argv[2]), 0
    server.faults = [fault.split("@") for fault in sys.argv[3:]]
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()
