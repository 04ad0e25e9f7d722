"""A real HTTP server on loopback that answers by script, well or badly, and stops by itself."""

import gzip
import json
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """What a client asked for; header names are in lower case."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """One answer. `body` may be made on the fly from pieces; then its length is only told where a header tells it.

    `framing` is ``length`` (Content-Length), ``chunked``, or ``close`` (the end of the connection ends the body).
    `cut` ends the connection after so many bytes of the body, `told` is a wrong Content-Length, `ranges` honours Range
    and If-Range, `reset` slams the door instead of an answer, `delay` waits so many seconds before it, and `drip` sends
    byte by byte with so many seconds between.
    """

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    framing: str = "length"
    cut: int | None = None
    told: int | None = None
    ranges: bool = False
    reset: bool = False
    delay: float = 0
    drip: float | None = None


Answer: TypeAlias = Reply | Callable[[Request], Reply]


def as_json(value: Any, **more: Any) -> Reply:
    """A JSON answer."""
    headers = {"Content-Type": "application/json", **more.pop("headers", {})}
    return Reply(json.dumps(value).encode(), headers=headers, **more)


def zipped(body: bytes, **more: Any) -> Reply:
    """A gzip answer; `cut` counts compressed bytes."""
    headers = {"Content-Encoding": "gzip", **more.pop("headers", {})}
    return Reply(gzip.compress(body, mtime=0), headers=headers, **more)


class Server:
    """Answers each path by its script, one reply per request; the last one is repeated. Other paths are 404.

    A script is given with `on`; `requests` holds what was asked. A context manager that ends with all its threads.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._scripts: dict[str, list[Answer]] = defaultdict(list)
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._connections: set[socket.socket] = set()
        self._server = _Threads(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "Server":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.server_close()

    def on(self, path: str, *answers: Answer) -> str:
        """Script the answers of `path`; its address."""
        self._scripts[path] = list(answers)
        return self.url + path

    def asked(self, path: str) -> list[Request]:
        """The requests of `path` so far."""
        return [request for request in self.requests if request.path == path]

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the server lives."""
        self._closing.wait(seconds)

    def connected(self, connection: socket.socket) -> None:
        """Told of every connection, to end those a client keeps open."""
        with self._lock:
            self._connections.add(connection)

    def reply(self, request: Request) -> Reply:
        """The next answer of a script."""
        with self._lock:
            self.requests.append(request)
            script = self._scripts.get(request.path)
            if not script:
                return Reply(b"not here", status=404)
            answer = script.pop(0) if len(script) > 1 else script[0]
        return answer if isinstance(answer, Reply) else answer(request)


class _Threads(ThreadingHTTPServer):
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a connection that was reset, by us or by the client


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 5
        disable_nagle_algorithm = True  # head and body are written apart

        def setup(self) -> None:
            super().setup()
            server.connected(self.connection)

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(address.query, keep_blank_values=True))
            reply = server.reply(Request(address.path, query, headers))
            if reply.delay:
                server.wait(reply.delay)
            try:
                if reply.reset:
                    self._slam()
                else:
                    self._send(reply, headers)
            except OSError:
                self.close_connection = True  # the client went away, as some of them should

        def _slam(self) -> None:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()

        def _send(self, reply: Reply, asked: Mapping[str, str]) -> None:
            status, headers, body = reply.status, dict(reply.headers), reply.body
            if reply.ranges and "range" in asked and isinstance(body, bytes):
                known = {headers.get("ETag"), headers.get("Last-Modified")}
                if asked.get("if-range") is None or asked["if-range"] in known:
                    start = int(asked["range"].removeprefix("bytes=").removesuffix("-"))
                    headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
                    status, body = 206, body[start:]
            if isinstance(body, bytes) and reply.framing == "length" and status != 304:
                headers.setdefault("Content-Length", str(len(body) if reply.told is None else reply.told))
            elif reply.framing == "chunked":
                headers["Transfer-Encoding"] = "chunked"
            if reply.framing == "close" or reply.cut is not None or reply.told is not None:
                self.close_connection = True
                headers["Connection"] = "close"
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if status == 304:
                return
            pieces = [body] if isinstance(body, bytes) else body
            self._write(reply, pieces)

        def _write(self, reply: Reply, pieces: Iterable[bytes]) -> None:
            left = reply.cut
            for piece in pieces:
                part = piece if left is None else piece[:left]
                if reply.drip is not None:
                    for byte in part:
                        self.wfile.write(bytes([byte]))
                        server.wait(reply.drip)
                elif reply.framing == "chunked":
                    if part:
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                else:
                    self.wfile.write(part)
                if left is not None:
                    left -= len(part)
                    if not left:
                        return
            if reply.framing == "chunked":
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Handler
