"""HTTP by `httpx`: pooled connections, one copy of big bodies, bounded answers.

Answers are taken as they are on the wire: no content encoding is asked for, and one that comes all the same is
refused, because 5 kB of `gzip` in `gzip` decode to gigabytes. User and password of a URL reach the server only;
errors and `repr` show the URL without them.

`httpx` is loaded when a transport is made, for it takes 80 ms that in-process users need not wait; synchronous
connections to this machine do without it (`transport_loopback`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from ic_harness.agent.transport import DEFAULT_TIMEOUT_S, Request, Response
from ic_harness.agent.transport_loopback import LOOPBACK, LoopbackClient, speaks_plainly
from ic_harness.errors import TransportError
from ic_harness.protocol import MAINNET_ROOT_KEY
from ic_harness.text import clean
from ic_harness.units import MIB
from ic_harness.urls import checked_host, public_url

if TYPE_CHECKING:
    import httpx

MAX_ANSWER: Final = 16 * MIB
"""Largest body that is read. The largest legal one is a query reply of 3 MiB, with room for what may come."""

MAX_CONNECTIONS: Final = 64
CONNECT_TIMEOUT_S: Final = 10.0
_MAINNET: Final = ("icp0.io", "icp-api.io", "ic0.app", "internetcomputer.org")
_HEADERS: Final = {
    "content-type": "application/cbor",
    "accept": "application/cbor",
    "accept-encoding": "identity",
}


def _settings(url: str) -> dict[str, Any]:
    """Options that the synchronous and the asynchronous client share. Raises `InputError` for a bad URL."""
    import ssl  # noqa: PLC0415  # lazy: start-up time

    import httpx  # noqa: PLC0415  # lazy: start-up time

    host = checked_host(url)
    return {
        "limits": httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS),
        "timeout": httpx.Timeout(DEFAULT_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
        "headers": _HEADERS,
        # A proxy from the environment is for the world outside, never for this machine.
        "trust_env": host not in LOOPBACK,
        # The certificates of this machine are read only where TLS is spoken: 40 ms. This context trusts none.
        "verify": url.lower().startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    }


def _built_in_root_key(url: str) -> bytes | None:
    """The root key for the Internet Computer itself; None for other networks, which must be asked."""
    host = checked_host(url)
    on_mainnet = any(host == domain or host.endswith(f".{domain}") for domain in _MAINNET)
    return MAINNET_ROOT_KEY if on_mainnet else None


@contextmanager
def _typed_errors(url: str) -> Iterator[None]:
    """Turn every error of the library into `TransportError`."""
    import httpx  # noqa: PLC0415  # lazy: start-up time

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as problem:
        kind = type(problem).__name__
        raise TransportError(f"{url} did not answer: {kind} {clean(str(problem))}") from None
    except OSError as problem:
        raise TransportError(f"{url} did not answer: {problem}") from None


class _Body:
    """Collects an answer and stops when it is too large or takes too long."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = url
        self._chunks: list[bytes] = []
        self._size = 0
        self._end = time.monotonic() + timeout_s

    def add(self, chunk: bytes) -> None:
        """Take the next piece. Raises `TransportError`."""
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > MAX_ANSWER:
            raise TransportError(f"{self._url} answered with more than {MAX_ANSWER} bytes")
        self.check_time()

    def check_time(self) -> None:
        """Raise `TransportError` when the time of the exchange is over.

        The time limit of a connection is for one piece only; a server that drips would hold us for ever.
        """
        if time.monotonic() > self._end:
            raise TransportError(f"{self._url} did not finish its answer in time")

    def open(self, status: int, headers: Mapping[str, str]) -> bool:
        """Look at the head of an answer; whether its body is to be read. Raises `TransportError`.

        The body of an error is left alone when it is encoded, for the status says enough.
        """
        encoding = headers.get("content-encoding", "identity")
        if encoding.strip().lower() in {"", "identity"}:
            return True
        if 200 <= status < 300:
            raise TransportError(
                f"{self._url} answered with the content encoding {encoding[:40]!r}, which was not asked for"
            )
        return False

    def response(self, status: int, headers: Mapping[str, str]) -> Response:
        """The whole answer."""
        return Response(status, headers, b"".join(self._chunks))


class HttpTransport:
    """HTTP to `url`, such as `http://127.0.0.1:4943`; for use from any number of threads.

    `root_key` is the built-in key when the URL leads to the Internet Computer, otherwise None.
    """

    def __init__(self, url: str) -> None:
        self.root_key = _built_in_root_key(url)
        self.url = url.rstrip("/")
        self._shown = public_url(self.url)
        self._closed = False
        self._client: httpx.Client | LoopbackClient
        if speaks_plainly(self.url):
            self._client = LoopbackClient(self.url, self._shown, _HEADERS, limit=MAX_CONNECTIONS)
        else:
            import httpx  # noqa: PLC0415  # lazy: start-up time

            self._client = httpx.Client(**_settings(url))

    def send(self, request: Request) -> Response:
        """Exchange one request. Raises `TransportError`."""
        if self._closed:
            raise TransportError(f"the connection to {self._shown} was closed")
        body = _Body(self._shown, request.timeout_s)
        if isinstance(self._client, LoopbackClient):
            return self._client.exchange(request, body, _connect_timeout_s(request))
        with (
            _typed_errors(self._shown),
            self._client.stream(
                request.method, self.url + request.path, content=request.body, timeout=_timeout(request)
            ) as answer,
        ):
            if body.open(answer.status_code, answer.headers):
                for chunk in answer.iter_raw():
                    body.add(chunk)
            return body.response(answer.status_code, answer.headers)

    def close(self) -> None:
        """Close all connections."""
        self._closed = True
        self._client.close()

    def __repr__(self) -> str:
        return f"HttpTransport({self._shown!r})"


class AsyncHttpTransport:
    """The same for asynchronous code; use one object within one event loop."""

    def __init__(self, url: str) -> None:
        import httpx  # noqa: PLC0415  # lazy: start-up time

        self.root_key = _built_in_root_key(url)
        self.url = url.rstrip("/")
        self._shown = public_url(self.url)
        self._client = httpx.AsyncClient(**_settings(url))

    async def send(self, request: Request) -> Response:
        """Exchange one request. Raises `TransportError`."""
        if self._client.is_closed:
            raise TransportError(f"the connection to {self._shown} was closed")
        body = _Body(self._shown, request.timeout_s)
        with _typed_errors(self._shown):
            async with self._client.stream(
                request.method, self.url + request.path, content=request.body, timeout=_timeout(request)
            ) as answer:
                if body.open(answer.status_code, answer.headers):
                    async for chunk in answer.aiter_raw():
                        body.add(chunk)
                return body.response(answer.status_code, answer.headers)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    def __repr__(self) -> str:
        return f"AsyncHttpTransport({self._shown!r})"


def _timeout(request: Request) -> httpx.Timeout:
    import httpx  # noqa: PLC0415  # lazy: start-up time

    return httpx.Timeout(request.timeout_s, connect=_connect_timeout_s(request))


def _connect_timeout_s(request: Request) -> float:
    return min(CONNECT_TIMEOUT_S, request.timeout_s)
