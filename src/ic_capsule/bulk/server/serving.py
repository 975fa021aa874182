"""Serving the page with uvicorn until it is told to stop."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import Callable
from ipaddress import ip_address

import uvicorn

from ic_harness.errors import InputError

from .app import create_app
from .config import WebConfig


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def new_token() -> str:
    """A token that cannot be guessed."""
    return secrets.token_urlsafe(24)


def listen(host: str, port: int) -> socket.socket:
    """Take a port (0: any that is free). Raises `InputError` when it is taken or not ours to take."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise InputError(f"cannot listen on {host} port {port}: {error.strerror}") from error
    return taken


async def serve(
    config: WebConfig,
    listening: socket.socket,
    *,
    started: Callable[[], None] | None = None,
    until: asyncio.Future[None] | None = None,
) -> None:
    """Serve the page on a socket until told to stop by a signal, or until a future is done; open streams end then.

    `started` is called when requests are answered. Raises what `until` ended with, and what opening the ledger raises.
    """
    app = create_app(config)
    options = uvicorn.Config(
        app, log_level="warning", timeout_graceful_shutdown=5, server_header=False, lifespan="on"
    )
    server = _Server(options)
    server.stopping, server.told = app.state.stopping, started
    if until is not None:
        until.add_done_callback(lambda _: setattr(server, "should_exit", True))
    await server.serve(sockets=[listening])
    if until is not None and until.done():
        until.result()


class _Server(uvicorn.Server):
    """Ends event streams when it is told to stop: uvicorn would wait for them."""

    stopping: asyncio.Event
    told: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        if self.told is not None and self.started:
            self.told()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams, then everything else."""
        self.stopping.set()
        await super().shutdown(sockets)
