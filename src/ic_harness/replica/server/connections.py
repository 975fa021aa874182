"""One HTTP connection of the server: how long it may stay idle, and how much of a request may stay unfinished.

uvicorn bounds neither the size of a request's head nor the time that a request takes to arrive; this class adds
both. Theory of operation: uvicorn's protocol reacts to callbacks of the parser (message begin, header, headers
complete, body, message complete). A connection is in one of three states:

    idle       no byte of a request yet: closed after the keep-alive time
    receiving  from the first byte of a request to its last: refused with 408 after `request_s`
    answering  the request is complete; nothing is timed here, because an answer takes as long as it takes

A pipelined request may arrive while an earlier one is answered. Its 408 would be taken for the answer of the
earlier one, so its time begins anew until that answer has been sent.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from ic_harness.lazy_dataclass import dataclass

GRACE_S: Final = 5
"""How many seconds longer a connection is kept than announced: a client may use its last moment."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of a connection.

    `keep_alive_s` is announced to clients, in seconds; hyper, Go and browsers keep idle connections for 90 s or
    more by themselves, so a shorter time loses their next request. `request_s` is how long a request may take
    from its first byte to its last, in seconds. `head_bytes` bounds the request line with all headers (or
    trailers); Node's server allows 16 KiB, nginx 32 KiB.
    """

    keep_alive_s: int = 300
    request_s: float = 60.0
    head_bytes: int = 64 * 1024


class Connection(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol with the bounds of `limits`."""

    limits: Limits = Limits()

    _deadline: asyncio.TimerHandle | None = None
    _in_head: bool = False
    _delivered: bool = False
    _undelivered: int = 0
    _head: int = 0

    # --- connection -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the idle time: a client may open a connection before it has a request."""
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop all timers."""
        self._stop_deadline()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close at once unless a complete request is being answered."""
        if self._deadline is not None and not self._answers_earlier():
            self.transport.close()
        else:
            super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Parse; refuse a head, trailers or chunk extensions that go on without end."""
        self._delivered = False
        super().data_received(data)
        # The parser collects a field until it is complete, so only the bytes that it was fed show its size.
        self._undelivered = 0 if self._delivered else self._undelivered + len(data)
        if self._deadline is not None and self._undelivered > self.limits.head_bytes:
            self._refuse(431)

    # --- the parser's callbacks -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """Start the time of a request."""
        super().on_message_begin()
        self._delivered = self._in_head = True
        self._head = 0
        self._start_deadline()

    def on_url(self, url: bytes) -> None:
        """Count the request line."""
        self._head += len(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header or trailer; what is beyond the bound is not kept."""
        self._head += len(name) + len(value)
        if self._head <= self.limits.head_bytes:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Hand the request over, unless its head is too large."""
        self._in_head = False
        if self._head > self.limits.head_bytes:
            self._refuse(431)
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        self._delivered = True
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        """End the time of a request."""
        self._stop_deadline()
        if not self.transport.is_closing():
            super().on_message_complete()

    # --- refusals -------------------------------------------------------------------------------------------

    def _start_deadline(self) -> None:
        self._stop_deadline()
        self._deadline = self.loop.call_later(self.limits.request_s, self._on_deadline)

    def _stop_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _on_deadline(self) -> None:
        if self._answers_earlier():
            self._start_deadline()
        else:
            self._refuse(408)

    def _answers_earlier(self) -> bool:
        """Whether a request before the one that arrives now still has no complete answer."""
        if self.pipeline:
            return True
        cycle = self._newest()  # the arriving request's own only after its headers
        return self._in_head and cycle is not None and not cycle.response_complete

    def _newest(self) -> RequestResponseCycle | None:
        """The newest request whose headers are complete; uvicorn's type leaves out that there may be none."""
        return self.cycle

    def _refuse(self, status: int) -> None:
        """Close, with a status where the client cannot take it for part of another answer."""
        self._stop_deadline()
        if self.transport.is_closing():
            return
        cycle = self._newest()
        begun = not self._in_head and cycle is not None and cycle.response_started
        if not begun and not self._answers_earlier():
            self.transport.write(STATUS_LINE[status] + b"content-length: 0\r\nconnection: close\r\n\r\n")
        self.transport.close()


def bounded_by(limits: Limits) -> type[Connection]:
    """Return the class of connections with these limits, as uvicorn's option `http` takes it."""
    return type("Connection", (Connection,), {"limits": limits})
