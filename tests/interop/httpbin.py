"""The web server that the compliance suite's outcalls ask: HTTPS on loopback with a certificate of its own.

Its answers have the headers and sizes that the suite counts on (its `httpbin-rs`).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Handler(BaseHTTPRequestHandler):
    """Answers by the first part of the path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer a request of any method."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        name, _, rest = self.path.strip("/").partition("/")
        answer = getattr(self, f"answer_{name}", None)
        if answer is None:
            self._send(404, b"")
        else:
            answer(rest, body)

    do_POST = do_HEAD = do_GET  # noqa: N815 - names that the library calls

    def answer_ascii(self, rest: str, _body: bytes) -> None:
        """The rest of the path."""
        self._send(200, rest.encode())

    def answer_anything(self, _rest: str, body: bytes) -> None:
        """The request as JSON, without the user agent: the suite of 2023 does not know the network's `ic/1.0`."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        if headers.get("user-agent") == "ic/1.0":
            del headers["user-agent"]
        about = {"method": self.command, "headers": headers, "data": body.decode()}
        self._send(200, json.dumps(about).encode())

    def answer_request_size(self, _rest: str, body: bytes) -> None:
        """The size of the request's headers and body."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        self._send(200, str(headers + len(body)).encode())

    def answer_equal_bytes(self, rest: str, _body: bytes) -> None:
        """So many bytes."""
        self._send(200, b"x" * int(rest))

    def answer_many_response_headers(self, rest: str, _body: bytes) -> None:
        """So many headers besides those that every response has."""
        self._send(200, b"", [(f"name{number}", f"value{number}") for number in range(int(rest))])

    def answer_long_response_header_name(self, rest: str, _body: bytes) -> None:
        """A header whose name has so many bytes."""
        self._send(200, b"", [("x" * int(rest), "value")])

    def answer_long_response_header_value(self, rest: str, _body: bytes) -> None:
        """A header whose value has so many bytes."""
        self._send(200, b"", [("name", "x" * int(rest))])

    def answer_large_response_total_header_size(self, rest: str, _body: bytes) -> None:
        """Headers of so many bytes in all, none of them with a longer name or value than asked for."""
        longest, total = map(int, rest.split("/"))
        left = total - sum(len(name) + len(value) for name, value in self._usual(b""))
        more: list[tuple[str, str]] = []
        while left > 0:
            name = f"{chr(ord('a') + len(more))}".ljust(min(longest, left), "x")
            value = "x" * min(longest, left - len(name))
            more.append((name, value))
            left -= len(name) + len(value)
        self._send(200, b"", more)

    def _usual(self, body: bytes) -> list[tuple[str, str]]:
        return [
            ("date", "Jan 1 1970 00:00:00 GMT"),
            ("content-type", "application/octet-stream"),
            ("content-length", str(len(body))),
            ("connection", "close"),
            ("access-control-allow-origin", "*"),
            ("access-control-allow-credentials", "true"),
        ]

    def _send(self, status: int, body: bytes, more: list[tuple[str, str]] | None = None) -> None:
        lines = [
            f"HTTP/1.1 {status} OK",
            *(f"{name}: {value}" for name, value in self._usual(body) + (more or [])),
        ]
        self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        if self.command != "HEAD":
            self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *_arguments: Any) -> None:
        """Print nothing."""


@contextmanager
def httpbin(folder: Path) -> Iterator[tuple[str, Path]]:
    """Serve until the block ends: the address `127.0.0.1:<port>`, and the PEM file of the certificate to trust."""
    certificate = _certificate(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}", certificate
        finally:
            server.shutdown()
            thread.join()


def _certificate(folder: Path) -> Path:
    """A self-signed certificate for 127.0.0.1 with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "httpbin.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return path
