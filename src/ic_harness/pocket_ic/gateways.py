"""HTTP gateways: ports of their own, each of which serves the pages and the interface of one instance."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Final

from ic_harness.errors import ReplicaError
from ic_harness.lazy_dataclass import dataclass
from ic_harness.pocket_ic import fields
from ic_harness.pocket_ic.api_error import ApiError
from ic_harness.pocket_ic.dashboard import about_instance
from ic_harness.pocket_ic.instance import Instance
from ic_harness.replica import HttpRequest, HttpResponse, RunningServer, listen, page_of, serve_handler
from ic_harness.units import MIB

MAX_PAGE_REQUEST: Final = 16 * MIB
"""Bytes of a request to a gateway."""


@dataclass(frozen=True, slots=True)
class _Gateway:
    instance_id: int
    server: RunningServer
    port: int
    domains: tuple[str, ...]


def reserve(config: Mapping[str, Any]) -> socket.socket:
    """Take the port that a gateway is to have. Raises `ApiError`."""
    host = "127.0.0.1" if config.get("ip_addr") is None else fields.text(config, "ip_addr")
    wanted = fields.optional_natural(config, "port", 0xFFFF) or 0
    try:
        return listen(host, wanted)
    except (ReplicaError, OSError) as problem:
        raise ApiError(f"Failed to bind to address {host}:{wanted}: {problem}") from None


class Gateways:
    """The running gateways of a server, by number. Thread-safe.

    Every request is answered within the context that `busy` makes, so that a used gateway keeps its server alive.
    """

    def __init__(self, busy: Callable[[], AbstractContextManager[None]]) -> None:
        self._busy = busy
        self._gateways: dict[int, _Gateway] = {}
        self._next = 0
        self._lock = threading.Lock()

    def start(
        self,
        instance_id: int,
        instance: Instance,
        config: Mapping[str, Any],
        listener: socket.socket | None = None,
    ) -> tuple[int, int]:
        """Serve an instance at a port of its own; returns the gateway's number and port. Raises `ApiError`.

        `listener` is what `reserve` returned for these settings; without it the port is taken here.
        """
        if config.get("https_config") is not None:
            raise ApiError("TLS config could not be created: this server's gateways speak HTTP only")
        domains = tuple(str(one) for one in fields.items(config.get("domains"), "`domains`"))
        front = _Front(instance, self._busy)
        listener = listener or reserve(config)
        server = serve_handler(front.handle, MAX_PAGE_REQUEST, listener=listener)
        port = int(server.url.rpartition(":")[2])
        with self._lock:
            number, self._next = self._next, self._next + 1
            self._gateways[number] = _Gateway(instance_id, server, port, domains)
        return number, port

    def stop(self, number: int) -> None:
        """Stop one, unless it ended before, with its instance. Raises `ApiError` 404 for a number that none had."""
        with self._lock:
            gateway, begun = self._gateways.pop(number, None), self._next
        if number >= begun:
            raise ApiError(f"HTTP gateway {number} does not exist", 404)
        if gateway is not None:
            gateway.server.stop()

    def stop_all(self, instance_id: int | None = None) -> None:
        """Stop those of an instance; None: all of them."""
        with self._lock:
            ending = [
                number
                for number, gateway in self._gateways.items()
                if instance_id is None or gateway.instance_id == instance_id
            ]
            gateways = [self._gateways.pop(number) for number in ending]
        for gateway in gateways:
            gateway.server.stop()

    def to_json(self) -> list[dict[str, Any]]:
        """The running gateways as clients read them."""
        with self._lock:
            return [
                {
                    "instance_id": number,
                    "port": gateway.port,
                    "forward_to": {"PocketIcInstance": gateway.instance_id},
                    "domains": list(gateway.domains) or None,
                    "https_config": None,
                }
                for number, gateway in self._gateways.items()
            ]


class _Front:
    """What a gateway serves: the interface below `/api/`, the topology, and pages of canisters."""

    def __init__(self, instance: Instance, busy: Callable[[], AbstractContextManager[None]]) -> None:
        self._instance = instance
        self._busy = busy
        self._page = page_of(instance.replica)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Answer a request."""
        with self._busy():
            return self._answer(request)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith("/api/"):
            return self._instance.handle_api(request)
        if request.path.startswith("/_/"):
            return about_instance(self._instance, request)
        return self._page(request)
