"""Connections of the server: idle times, half-sent requests, endless heads; by a clock that jumps."""

from __future__ import annotations

import asyncio
import selectors
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from ic_harness.replica.server.connections import GRACE_S, Limits, bounded_by

LIMITS = Limits(keep_alive_s=100, request_s=30, head_bytes=4096)
GET = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer instead of waiting for it."""

    def __init__(self):
        self.now = 0.0
        jump = self._jump

        class Jumping(selectors.DefaultSelector):
            def select(self, timeout=None):
                return jump(super().select, timeout)

        super().__init__(Jumping())

    def _jump(self, select, timeout):
        ready = select(0)
        if not ready and timeout:
            self.now += timeout
        return ready

    def time(self):
        return self.now


class Client(asyncio.Transport):
    """The other end of a connection: what was written to it, and when it was closed."""

    def __init__(self, loop):
        super().__init__()
        self.loop, self.received = loop, b""
        self.closed_at: float | None = None
        self.protocol: Any = None

    def write(self, data):
        assert self.closed_at is None
        self.received += bytes(data)

    def is_closing(self):
        return self.closed_at is not None

    def close(self):
        if self.closed_at is None:
            self.closed_at = self.loop.time()
            self.loop.call_soon(self.protocol.connection_lost, None)

    def pause_reading(self):
        pass

    def resume_reading(self):
        pass


class Exchange:
    """One connection with an application that answers each request after `answer_s` seconds."""

    def __init__(self, loop, answer_s=0.0):
        self.loop, self.answer_s, self.bodies = loop, answer_s, []
        config = uvicorn.Config(
            self.application, http=bounded_by(LIMITS), interface="asgi3", ws="none", log_config=None
        )
        config.timeout_keep_alive = LIMITS.keep_alive_s + GRACE_S
        config.load()
        self.state = ServerState()
        self.client = Client(loop)
        connection: Any = config.http_protocol_class
        self.protocol = connection(config, self.state, {}, _loop=loop)
        self.client.protocol = self.protocol
        self.protocol.connection_made(self.client)

    async def application(self, _scope, receive, send):
        body = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(body)
        ready = self.loop.create_future()
        self.loop.call_later(self.answer_s, ready.set_result, None)
        await ready
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def feed(self, data):
        if not self.client.is_closing():
            self.protocol.data_received(data)

    def trickle(self, data, every_s, times):
        """Send `data` `times` times, `every_s` seconds apart."""
        for number in range(times):
            self.loop.call_at(self.loop.time() + number * every_s, self.feed, data)

    def run(self, seconds):
        """Let `seconds` pass, and what is due in that time happen."""
        self.loop.call_later(seconds + 1e-6, self.loop.stop)
        self.loop.run_forever()

    @property
    def statuses(self):
        return [
            line.split()[1] for line in self.client.received.split(b"\r\n") if line.startswith(b"HTTP/1.1")
        ]


@pytest.fixture
def loop():
    made = JumpingLoop()
    yield made
    made.run_until_complete(asyncio.sleep(0))
    made.close()


@pytest.fixture
def exchange(loop):
    return Exchange(loop)


def test_a_pause_within_the_keep_alive_time_loses_nothing(exchange):
    """A client may use its connection again until the announced time is over."""
    exchange.feed(GET)
    exchange.run(LIMITS.keep_alive_s)
    exchange.feed(GET)
    exchange.run(0)
    assert exchange.statuses == [b"200", b"200"]


def test_an_idle_connection_is_closed(exchange):
    """After the keep-alive time and its grace, not before."""
    exchange.feed(GET)
    exchange.run(1000)
    assert exchange.client.closed_at == LIMITS.keep_alive_s + GRACE_S


def test_a_silent_connection_is_closed(exchange):
    """A connection on which nothing is ever sent has the same time."""
    exchange.run(1000)
    assert exchange.client.closed_at == LIMITS.keep_alive_s + GRACE_S
    assert exchange.client.received == b""


@pytest.mark.parametrize("begin", [b"G", b"GET / HT", GET[:-2], POST, POST + b"12345", CHUNKED + b"5\r\n123"])
def test_a_half_sent_request_is_refused(exchange, begin):
    """A head or body that stops half-way is answered 408 when its time is over."""
    exchange.feed(begin)
    exchange.run(1000)
    assert (exchange.client.closed_at, exchange.statuses) == (30, [b"408"])
    assert exchange.bodies == []


@pytest.mark.parametrize(
    ("begin", "drop"),
    [(b"GET / HTTP/1.1\r\nhost: ", b"a"), (b"GET / HTTP/1.1\r\n", b"a: b\r\n"), (CHUNKED, b"1\r\nx\r\n")],
)
def test_drops_do_not_buy_time(exchange, begin, drop):
    """A request that arrives drop by drop has the same time as one that stops."""
    exchange.feed(begin)
    exchange.trickle(drop, every_s=1, times=500)
    exchange.run(1000)
    assert (exchange.client.closed_at, exchange.statuses) == (30, [b"408"])


def test_a_slow_request_in_time_is_answered(exchange):
    """What is complete within its time is answered, and the next request has its own time."""
    for _ in range(3):
        exchange.feed(POST)
        exchange.run(29)
        exchange.feed(b"0123456789")
        exchange.run(29)
    assert exchange.bodies == [b"0123456789"] * 3
    assert exchange.client.closed_at is None


def test_a_slow_answer_is_not_cut(loop):
    """Nothing is timed while the application works."""
    exchange = Exchange(loop, answer_s=500)
    exchange.feed(GET)
    exchange.run(500)
    assert exchange.statuses == [b"200"]
    assert exchange.client.closed_at is None


@pytest.mark.parametrize("second", [b"GET / HT", POST + b"1"])
def test_a_refusal_is_not_taken_for_an_earlier_answer(loop, second):
    """A pipelined half request is refused only after the answer before it was sent."""
    exchange = Exchange(loop, answer_s=500)
    exchange.feed(GET + second)
    exchange.run(1000)
    assert exchange.statuses == [b"200", b"408"]
    assert exchange.client.closed_at is not None
    assert 500 < exchange.client.closed_at <= 500 + 2 * LIMITS.request_s


@pytest.mark.parametrize(
    ("begin", "part"),
    [
        (b"GET /", b"a" * 100),
        (b"GET / HTTP/1.1\r\n", b"name: value\r\n" * 8),
        (b"GET / HTTP/1.1\r\nname: ", b"a" * 100),
        (b"GET / HTTP/1.1\r\n", b"a" * 100),
        (CHUNKED + b"1;", b"a" * 100),
        (CHUNKED + b"0\r\n", b"name: value\r\n" * 8),
        (CHUNKED + b"0\r\nname: ", b"a" * 100),
    ],
)
def test_an_endless_head_is_refused(exchange, begin, part):
    """Request line, headers, chunk extensions and trailers are bounded; the memory behind them too."""
    exchange.feed(begin)
    sent = 0
    while not exchange.client.is_closing() and sent < 1_000_000:
        exchange.feed(part)
        sent += len(part)
    assert sent <= LIMITS.head_bytes + 2 * len(part)
    assert exchange.statuses == [b"431"]
    assert sum(len(name) + len(value) for name, value in exchange.protocol.headers) <= LIMITS.head_bytes


@pytest.mark.parametrize("head", [b"GET /%s HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\nname: %s\r\n\r\n"])
def test_a_large_head_in_one_piece_is_refused(exchange, head):
    """One packet can hold more than the bound."""
    exchange.feed(head % (b"a" * 5000))
    exchange.run(0)
    assert (exchange.statuses, exchange.bodies) == ([b"431"], [])


def test_a_head_at_the_bound_is_served(exchange):
    """The bound is on the head alone, not on the body beside it, in one piece or in many."""
    body = b"b" * 100_000
    head = b"POST / HTTP/1.1\r\nx: %s\r\ncontent-length: 100000\r\n\r\n" % (b"a" * 3900)
    exchange.feed(head + body)
    exchange.run(0)
    for start in range(0, len(head + body), 100):
        exchange.feed((head + body)[start : start + 100])
    exchange.run(0)
    assert exchange.bodies == [body, body]


def test_shutdown_does_not_wait_for_half_requests(exchange):
    """A connection whose request may never be complete is closed at once when the server stops."""
    exchange.feed(POST + b"1")
    exchange.run(0)
    exchange.protocol.shutdown()
    assert exchange.client.is_closing()


def test_shutdown_lets_answers_end(loop):
    """A request that is complete is answered before its connection is closed."""
    exchange = Exchange(loop, answer_s=5)
    exchange.feed(GET)
    exchange.run(1)
    exchange.protocol.shutdown()
    exchange.run(10)
    assert (exchange.statuses, exchange.client.closed_at) == ([b"200"], 5)


def test_no_timer_outlives_its_connection(exchange):
    """A lost connection leaves nothing to be called."""
    exchange.feed(POST + b"1")
    exchange.protocol.connection_lost(ConnectionResetError())
    exchange.run(1000)
    assert exchange.client.received == b""
