"""The interface to the network: a request goes in, a response comes out.

Real HTTP, a replica in the same process, a recording, a network that misbehaves on purpose: each is a
transport, and the whole agent runs on any of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from typing import Protocol

from ic_harness.lazy_dataclass import dataclass

DEFAULT_TIMEOUT_S = 30.0
"""Seconds; longer than the ten for which a replica holds a synchronous call."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request: `path` begins with `/api/`, `body` is CBOR; `timeout_s` is for all of it."""

    method: str
    path: str
    body: bytes | None = field(default=None, repr=False)
    timeout_s: float = DEFAULT_TIMEOUT_S


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP response; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class Transport(Protocol):
    """Sends requests and waits for their responses. Used from several threads at once."""

    def send(self, request: Request) -> Response:
        """Exchange one request. Raises `TransportError` when nothing, or nothing whole, comes back."""
        ...

    def close(self) -> None:
        """Close connections; sending afterwards raises `TransportError`."""
        ...


class AsyncTransport(Protocol):
    """The same for asynchronous code."""

    async def send(self, request: Request) -> Response:
        """Exchange one request. Raises `TransportError` when nothing, or nothing whole, comes back."""
        ...

    async def close(self) -> None:
        """Close connections; sending afterwards raises `TransportError`."""
        ...


class CallableTransport:
    """Makes a transport of a function, for a network in the same process and for tests."""

    def __init__(self, answer: Callable[[Request], Response]) -> None:
        self._answer = answer

    def send(self, request: Request) -> Response:
        """Call the function."""
        return self._answer(request)

    def close(self) -> None:
        """Does nothing: there are no connections."""


class AsyncCallableTransport:
    """Makes an asynchronous transport of a coroutine function."""

    def __init__(self, answer: Callable[[Request], Awaitable[Response]]) -> None:
        self._answer = answer

    async def send(self, request: Request) -> Response:
        """Await the function."""
        return await self._answer(request)

    async def close(self) -> None:
        """Does nothing: there are no connections."""
