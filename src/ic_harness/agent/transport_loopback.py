"""HTTP/1.1 to a server on this machine, by sockets alone.

A client of `httpx` takes 60 ms of imports and half a millisecond a request; a command that calls one method of a local
replica needs neither TLS nor proxies, cookies and redirects. What is not plain HTTP/1.1 ends as a `TransportError`, and
its connection is not used again.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Final, Protocol
from urllib.parse import urlsplit

from ic_harness.agent.transport import Request, Response
from ic_harness.errors import TransportError
from ic_harness.text import clean
from ic_harness.units import KIB

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Host names of this machine."""
_MAX_HEAD: Final = 64 * KIB
_PIECE: Final = 256 * KIB
_MAX_JOINED: Final = 64 * KIB
"""Bodies up to this size are sent in one piece with the head; larger ones are not copied."""
_NO_BODY: Final = frozenset({204, 304})


class Sink(Protocol):
    """Receives an answer."""

    def open(self, status: int, headers: Mapping[str, str]) -> bool:
        """Return whether the body is to be read. Raises `TransportError`."""
        ...

    def check_time(self) -> None:
        """Raise `TransportError` when the answer takes too long."""
        ...

    def add(self, chunk: bytes) -> None:
        """Receive the next piece of the body. Raises `TransportError`."""
        ...

    def response(self, status: int, headers: Mapping[str, str]) -> Response:
        """Return the whole answer."""
        ...


def speaks_plainly(url: str) -> bool:
    """Whether a valid URL is one for `LoopbackClient`: HTTP to this machine, without a password or query string."""
    parts = urlsplit(url)
    plain = not (parts.query or parts.fragment or "@" in parts.netloc or " " in url)
    return parts.scheme == "http" and parts.hostname in LOOPBACK and plain and url.isascii()


class LoopbackClient:
    """Connections to the server of `url`, at most `limit` at once; for use from any number of threads."""

    def __init__(self, url: str, shown: str, headers: Mapping[str, str], *, limit: int) -> None:
        parts = urlsplit(url)
        self._address = (
            str(parts.hostname).encode("ascii"),
            parts.port or 80,
        )  # a str would load the codec of IDNA
        self._path = parts.path
        self._shown = shown
        lines = {"host": parts.netloc, **headers}
        self._head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self._free = threading.BoundedSemaphore(limit)
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._closed = False

    def exchange(self, request: Request, sink: Sink, connect_timeout_s: float) -> Response:
        """Exchange one request. Raises `TransportError`."""
        try:
            return self._exchange(request, sink, connect_timeout_s)
        except _Broken as problem:
            raise TransportError(f"{self._shown} did not answer: {clean(str(problem))}") from None
        except OSError as problem:
            kind = type(problem).__name__
            raise TransportError(f"{self._shown} did not answer: {kind} {clean(str(problem))}") from None

    def _exchange(self, request: Request, sink: Sink, connect_timeout_s: float) -> Response:
        if not self._free.acquire(timeout=request.timeout_s):
            raise _Broken("PoolTimeout: all connections are in use")
        try:
            connection = self._idle_connection() or _Connection(self._address, connect_timeout_s)
            try:
                connection.send(self._request_head(request), request.body, request.timeout_s)
                response = connection.receive(sink)
            except BaseException:
                connection.close()
                raise
            self._give_back(connection)
            return response
        finally:
            self._free.release()

    def _request_head(self, request: Request) -> bytes:
        length = "" if request.body is None else f"content-length: {len(request.body)}\r\n"
        path = self._path + request.path
        if not path.isascii() or not path.isprintable() or " " in path:
            raise _Broken("the path is no path of a URL")
        return f"{request.method} {path or '/'} HTTP/1.1\r\n{self._head}{length}\r\n".encode("ascii")

    def _idle_connection(self) -> _Connection | None:
        """Take a connection that the server did not close meanwhile."""
        while True:
            with self._lock:
                connection = self._idle.pop() if self._idle else None
            if connection is None or connection.is_quiet():
                return connection
            connection.close()

    def _give_back(self, connection: _Connection) -> None:
        with self._lock:
            if connection.reusable and not self._closed:
                self._idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        """Close the idle connections; those in use are closed after their answer."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


class _Broken(Exception):  # noqa: N818  not an error of the callers
    """The answer is not HTTP/1.1, or not whole."""


class _Connection:
    """One connection: sends a request, then receives its answer."""

    def __init__(self, address: tuple[bytes, int], timeout_s: float) -> None:
        self._socket = socket.create_connection(address, timeout_s)  # type: ignore[arg-type]  # bytes are accepted
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._read = bytearray()
        self.reusable = False

    def is_quiet(self) -> bool:
        """Whether the server neither closed the connection nor sent what was not asked for."""
        try:
            self._socket.settimeout(0)
            self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return not self._read
        except OSError:
            return False
        return False

    def send(self, head: bytes, body: bytes | None, timeout_s: float) -> None:
        """Send a request; `timeout_s` is for each step of it and of the answer."""
        self._socket.settimeout(timeout_s)
        if body and len(body) > _MAX_JOINED:
            self._socket.sendall(head)
            self._socket.sendall(body)
        else:
            self._socket.sendall(head + (body or b""))

    def receive(self, sink: Sink) -> Response:
        """Receive an answer. Raises `_Broken`, `OSError` and `TransportError`."""
        self.reusable = False
        version, status, headers = self._head(sink)
        while 100 <= status < 200:
            version, status, headers = self._head(sink)
        if sink.open(status, headers):
            length = _length(status, headers)
            if length is None:
                self._until_closed(sink)
            elif length == _CHUNKED:
                self._chunks(sink)
            else:
                self._pieces(length, sink)
            kept = version == "HTTP/1.1" and "close" not in headers.get("connection", "").lower()
            self.reusable = kept and length is not None and not self._read
        return sink.response(status, headers)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def _head(self, sink: Sink) -> tuple[str, int, dict[str, str]]:
        text = self._take_until(b"\r\n\r\n", sink).decode("latin-1")
        start, *lines = text.split("\r\n")
        version, _, rest = start.partition(" ")
        code = rest.partition(" ")[0]
        if (
            version not in ("HTTP/1.1", "HTTP/1.0")
            or not (code.isascii() and code.isdecimal())
            or len(code) != 3
        ):
            raise _Broken(f"{start[:40]!r} is no HTTP")
        headers: dict[str, str] = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise _Broken(f"{line[:40]!r} is no header")
            key, value = name.lower(), value.strip()
            headers[key] = f"{headers[key]}, {value}" if key in headers else value
        return version, int(code), headers

    def _chunks(self, sink: Sink) -> None:
        while True:
            size = self._take_until(b"\r\n", sink).partition(b";")[0].strip()
            if not size or len(size) > 8 or size.strip(b"0123456789abcdefABCDEF"):
                raise _Broken("a chunk has no size")
            if int(size, 16) == 0:
                break
            self._pieces(int(size, 16), sink)
            if self._take_until(b"\r\n", sink):
                raise _Broken("a chunk has no end")
        while self._take_until(b"\r\n", sink):
            pass  # what follows the last chunk is of no interest

    def _pieces(self, length: int, sink: Sink) -> None:
        while length:
            if self._read:
                piece = bytes(self._read[:length])
                del self._read[:length]
            else:
                piece = self._receive(min(length, _PIECE))
            length -= len(piece)
            sink.add(piece)

    def _until_closed(self, sink: Sink) -> None:
        piece = bytes(self._read)
        self._read.clear()
        while True:
            if piece:
                sink.add(piece)
            piece = self._socket.recv(_PIECE)
            if not piece:
                return

    def _take_until(self, end: bytes, sink: Sink) -> bytes:
        """Return what comes before `end`, which is taken too."""
        searched = 0
        while (found := self._read.find(end, searched)) < 0:
            if len(self._read) > _MAX_HEAD:
                raise _Broken("its head is too long")
            searched = max(0, len(self._read) - len(end) + 1)
            self._read += self._receive(_MAX_HEAD)
            sink.check_time()
        taken = bytes(self._read[:found])
        del self._read[: found + len(end)]
        return taken

    def _receive(self, size: int) -> bytes:
        piece = self._socket.recv(size)
        if not piece:
            raise _Broken("it closed the connection")
        return piece


_CHUNKED: Final = -1


def _length(status: int, headers: Mapping[str, str]) -> int | None:
    """Return the length of a body in bytes, `_CHUNKED`, or None when it ends with the connection."""
    if status in _NO_BODY:
        return 0
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if coding is not None:
        if coding.lower() != "chunked" or length is not None:
            raise _Broken("its transfer encoding is not known")
        return _CHUNKED
    if length is None:
        return None
    if not (length.isascii() and length.isdecimal()) or len(length) > 18:
        raise _Broken("its content length is no number")
    return int(length)
