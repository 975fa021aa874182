"""The server as a program: its socket, its port file, its time to live, and how it ends.

As PocketIC's server does: the port file is created exclusively, and if it exists another server is in charge, so
this one ends at once with status 0. The file stays empty until the server listens, then it gets the port and a newline
in one write; it is removed at the end. Without a request for `ttl_s` the server ends; `hard_ttl_s` ends it in any case.
SIGINT and SIGTERM end it too. Instances and gateways are closed first, so state folders are complete.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, Self

from ic_harness.errors import NetworkError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.pocket_ic.idle import IdleTimer
from ic_harness.pocket_ic.instances import Instances
from ic_harness.pocket_ic.routes import Router
from ic_harness.replica import HttpRequest, HttpResponse, RunningServer, serve_handler
from ic_harness.units import MIB

MAX_BODY: Final = 512 * MIB
"""Bytes of a request: stable memories are uploaded whole."""


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """How to serve: `port` 0 takes a free one; times in seconds, None is without end.

    `icp_folder` has modules of ICP's own canisters for `icp_features`, by their names or in its `ic-harness.toml`.
    """

    host: str = "127.0.0.1"
    port: int = 0
    port_file: Path | None = None
    ttl_s: float | None = 60.0
    hard_ttl_s: float | None = None
    icp_folder: Path | None = None


class PocketIcService:
    """A server in this process; a context manager. `url` is where it listens."""

    def __init__(self, options: ServerOptions) -> None:
        self.idle = IdleTimer()
        self._instances = Instances(self.idle.busy, options.icp_folder)
        self._router = Router(self._instances)
        self._server: RunningServer = serve_handler(self._handle, MAX_BODY, options.host, options.port)
        self.url = self._server.url
        self.port = int(self.url.rpartition(":")[2])

    def _handle(self, request: HttpRequest) -> HttpResponse:
        with self.idle.busy():
            return self._router.handle(request)

    def close(self) -> None:
        """Stop listening, then close every instance."""
        try:
            self._server.stop()
        finally:
            self._instances.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(options: ServerOptions, *, on_ready: Callable[[str], None] | None = None) -> int:
    """Serve until a signal or the time to live ends it; returns the exit status. `on_ready` gets the URL.

    Raises `ReplicaError` for an address and `NetworkError` for a port file that cannot be used.
    """
    with _stop_on_signals() as stop, _port_file(options.port_file) as port_file:
        if port_file is False:
            return 0
        with PocketIcService(options) as service:
            if isinstance(port_file, int):
                os.write(port_file, f"{service.port}\n".encode())
            if on_ready is not None:
                on_ready(service.url)
            service.idle.wait(stop, options.ttl_s, options.hard_ttl_s)
    return 0


@contextmanager
def _port_file(path: Path | None) -> Iterator[int | bool | None]:
    """Yields the descriptor of a new port file, None without one, False where the file exists already."""
    if path is None:
        yield None
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        yield False
        return
    except OSError as problem:
        raise NetworkError(f"the port file {path} cannot be made: {problem.strerror}") from None
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        with suppress(FileNotFoundError):
            path.unlink()


@contextmanager
def _stop_on_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; handlers are put back at the end."""
    stop = threading.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
