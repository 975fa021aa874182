"""The replica over HTTP: an ASGI application, and a runner that serves it on loopback.

Requests are answered in worker threads, because `Replica.handle` blocks until the verdict is there. Bodies
are joined once and never copied after that.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any, Final, Self

from ic_harness import waiting
from ic_harness.errors import ReplicaError, TransportError
from ic_harness.replica.execution.wasm_executor import WasmExecutor
from ic_harness.replica.gateway import Gateway
from ic_harness.replica.http.http_messages import NO_BODY, HttpRequest, HttpResponse, error_response
from ic_harness.replica.http.routes import CORS
from ic_harness.replica.replica import Replica
from ic_harness.replica.server.http_router import HttpRouter

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[HttpRequest], HttpResponse]

# Each waiting call keeps a thread for up to ten seconds; beyond this many, requests wait for a free one.
_WORKERS: Final = 128
# Bodies beyond the limit are read no further than this, so that the client gets its 413.
_READ_BEYOND: Final = 1 << 20


class _TooLargeError(Exception):
    """A body goes on beyond every limit."""


class _LostError(Exception):
    """The client went away, or was cut off, before its request was complete."""


def app(replica: Replica) -> Application:
    """Make an ASGI 3 application that serves `replica`; closing the replica stays with the caller."""
    return application_of(HttpRouter(replica).handle, replica.config.ingress_bytes + _READ_BEYOND)


def application_of(handle: Handler, limit: int) -> Application:
    """Make an ASGI 3 application that answers requests by `handle`, in threads that may run Wasm.

    Bodies of more than `limit` bytes are refused with 413. An answer breaks off where `handle` raises `TransportError`.
    """
    workers = WasmExecutor("ic-harness-http", _WORKERS)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, workers)
            return
        if scope["type"] != "http":
            return
        try:
            body = await _body(receive, limit)
        except _TooLargeError:
            await _send(send, error_response(413, "The request body is too large"))
            return
        except _LostError:
            return
        loop = asyncio.get_running_loop()
        try:
            response = await loop.run_in_executor(workers, handle, _request(scope, body))
        except TransportError:
            await _break_off(send)
        else:
            await _send(send, response)

    return application


async def _lifespan(receive: Receive, send: Send, workers: WasmExecutor) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        else:
            workers.shutdown(wait=False, cancel_futures=True)
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _body(receive: Receive, limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _LostError
        part = message.get("body", b"")
        size += len(part)
        if size > limit:
            raise _TooLargeError
        if part:
            parts.append(part)
        if not message.get("more_body", False):
            return parts[0] if len(parts) == 1 else b"".join(parts)


def _request(scope: Scope, body: bytes) -> HttpRequest:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    client = scope.get("client")
    return HttpRequest(
        method=scope["method"],
        path=scope["path"],
        headers=headers,
        body=body,
        query=scope.get("query_string", b"").decode("latin-1"),
        client=client[0] if client else None,
    )


async def _send(send: Send, response: HttpResponse) -> None:
    several = {name for name, _ in response.repeated}
    headers = {name: value for name, value in {**CORS, **response.headers}.items() if name not in several}
    body = b"" if response.status in NO_BODY else response.body
    if response.status not in NO_BODY:
        headers["content-length"] = str(len(body))
    await send(
        {
            "type": "http.response.start",
            "status": response.status,
            "headers": [
                (name.encode(), value.encode()) for name, value in (*headers.items(), *response.repeated)
            ],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def _break_off(send: Send) -> None:
    """Announce more than is sent: the server then cuts the connection, as a lost answer looks to a client."""
    headers = [(b"content-length", b"1000000"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": True})


class RunningServer:
    """A server in a thread of this process; a context manager. `url` has no slash at its end."""

    def __init__(self, server: Any, thread: threading.Thread, listener: socket.socket) -> None:
        self._server = server
        self._thread = thread
        self._listener = listener
        host, port = listener.getsockname()[:2]
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def stop(self) -> None:
        """Stop serving; requests that are being answered are finished first."""
        self._server.should_exit = True
        waiting.join(self._thread)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def serve(replica: Replica, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Serve `replica` over HTTP in a thread; port 0 takes a free one. Loopback unless `host` says otherwise.

    Idle connections are kept for the time that the header `Keep-Alive` announces; unfinished requests are
    refused as `connections.Limits` says. Raises `ReplicaError` when the address cannot be used.
    """
    return serve_application(app(replica), host, port)


def serve_handler(
    handle: Handler,
    limit: int,
    host: str = "127.0.0.1",
    port: int = 0,
    listener: socket.socket | None = None,
) -> RunningServer:
    """Serve what `handle` answers, in a thread; bodies have at most `limit` bytes. See `serve`.

    `listener` is a socket of `listen`, which is closed with the server; host and port are then not looked at.
    """
    return serve_application(application_of(handle, limit), host, port, listener)


def page_of(replica: Replica) -> Handler:
    """Return the function that answers requests for pages of a replica's canisters."""
    return Gateway(replica).handle


def serve_application(
    application: Application,
    host: str = "127.0.0.1",
    port: int = 0,
    listener: socket.socket | None = None,
) -> RunningServer:
    """Serve an application of this module in a thread; see `serve_handler`. Raises `ReplicaError`."""
    import uvicorn  # lazy: start-up time  # noqa: PLC0415

    from ic_harness.replica.server.connections import (  # lazy: start-up time  # noqa: PLC0415
        GRACE_S,
        Limits,
        bounded_by,
    )

    # An answer that an ordered fault breaks off is no error of the server.
    logging.getLogger("uvicorn.error").addFilter(_not_broken_off)
    listener = listener or listen(host, port)
    limits = Limits()
    config = uvicorn.Config(
        application,
        http=bounded_by(limits),
        interface="asgi3",
        loop="asyncio",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        headers=[("keep-alive", f"timeout={limits.keep_alive_s}")],
        timeout_keep_alive=limits.keep_alive_s + GRACE_S,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listener]}, name="ic-harness-server", daemon=True
    )
    thread.start()
    return RunningServer(server, thread, listener)


def _not_broken_off(record: logging.LogRecord) -> bool:
    return "without completing response" not in record.getMessage()


def listen(host: str, port: int) -> socket.socket:
    """Reserve a port; 0 is any free one. Raises `ReplicaError` when it is in use."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio sets TCP_NODELAY; without, each answer waits 40 ms for an ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError as problem_:
        listener.close()
        raise ReplicaError(f"cannot listen on {host}:{port}: {problem_.strerror}") from problem_
    return listener
