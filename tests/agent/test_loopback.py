"""HTTP/1.1 to this machine by sockets alone: what is read as another client reads it, and what is refused."""

import socket
import threading
from contextlib import closing

import httpx
import pytest

from ic_harness.agent import HttpTransport, Request, transport_http
from ic_harness.agent.transport_loopback import speaks_plainly
from ic_harness.errors import TransportError

GET = Request("GET", "/api/v2/status", timeout_s=60)


class Server:
    """Sends the next of its answers for each request; one that ends with None closes its connection then."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.requests = []
        self.connections = 0
        self.arrived, self.may_answer = threading.Event(), threading.Event()
        self.may_answer.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.threads = [threading.Thread(target=self.accept)]
        self.threads[0].start()

    def accept(self):
        """Serve connections until the listener is shut down."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self.serve, args=(connection,))
            self.threads.append(thread)
            thread.start()

    def serve(self, connection):
        """Answer the requests of a connection."""
        with connection, connection.makefile("rb") as incoming:
            while head := self.head(incoming):
                length = next(
                    (int(line[15:]) for line in head if line.lower().startswith(b"content-length:")), 0
                )
                self.requests.append((head, incoming.read(length)))
                self.arrived.set()
                self.may_answer.wait(60)
                answer, closing_after = self.answers.pop(0)
                connection.sendall(answer)
                if closing_after:
                    return

    @staticmethod
    def head(incoming):
        """The lines of a request's head; none at the end."""
        lines = []
        while (line := incoming.readline()) not in {b"", b"\r\n"}:
            lines.append(line.rstrip(b"\r\n"))
        return lines

    def stop(self):
        """End all threads; clients must have closed their connections."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(60)


@pytest.fixture
def serving():
    """Starts servers with answers in bytes: (bytes, whether the connection is closed behind them)."""
    servers = []

    def start(*answers):
        servers.append(Server(answer if isinstance(answer, tuple) else (answer, False) for answer in answers))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
WHOLE = {
    "length": OK,
    "no reason": b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok",
    "length zero": b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    "spaces and letters": b"HTTP/1.1 200 OK\r\nConTent-Length:   2  \r\nX-Y:\r\n\r\nok",
    "header twice": b"HTTP/1.1 200 OK\r\nvia: a\r\nContent-Length: 2\r\nVia: b\r\n\r\nok",
    "colon in a value": b"HTTP/1.1 200 OK\r\ndate: 10:11:12\r\ncontent-length: 2\r\n\r\nok",
    "chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\n\r\n",
    "two digits": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1f\r\n"
    + bytes(31)
    + b"\r\n0\r\n\r\n",
    "no chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "trailers": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\nz: w\r\n\r\n",
    "eight digits": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n00000002\r\nok\r\n00000000\r\n\r\n",
    "early hints": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + OK,
    "no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "not modified": b"HTTP/1.1 304 Not Modified\r\ncontent-length: 700\r\n\r\n",
    "large": b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 1_000_000,
    "long head": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 60_000 + b"\r\ncontent-length: 2\r\n\r\nok",
}
CLOSED = {
    "until closed": b"HTTP/1.1 200 OK\r\n\r\nall of this",
    "nothing until closed": b"HTTP/1.1 200 OK\r\n\r\n",
    "version 1.0": b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok",
    "will close": b"HTTP/1.1 200 OK\r\nConnection: Close\r\ncontent-length: 2\r\n\r\nok",
}


def parts(status, headers, body):
    """What an answer consists of; httpx writes some values in lower case."""
    return status, {name: value.lower() for name, value in headers.items()}, body


def by_httpx(url):
    """The status, the headers and the body that httpx reads."""
    with httpx.Client(trust_env=False) as client:
        answer = client.get(url)
        return parts(answer.status_code, answer.headers, answer.content)


@pytest.mark.parametrize("answer", WHOLE.values(), ids=WHOLE)
def test_answers_are_read_as_another_client_reads_them(serving, answer):
    """Status, headers and body are those that httpx reads; the connection serves the next request."""
    server = serving(answer, OK)
    with closing(HttpTransport(server.url)) as transport:
        first = transport.send(GET)
        assert transport.send(GET).body == b"ok"
    assert server.connections == 1
    assert parts(first.status, first.headers, first.body) == by_httpx(serving((answer, True)).url)


class Pieces:
    """A socket from which an answer comes in pieces of one size."""

    def __init__(self, answer, size):
        self.pieces = [answer[at : at + size] for at in range(0, len(answer), size)]

    def recv(self, size):
        """The next piece, or its beginning."""
        piece = self.pieces.pop(0)
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def ignore(self, *_):
        """Accept options and requests."""

    setsockopt = settimeout = sendall = close = ignore


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("name", sorted(WHOLE.keys() - {"large"}))
def test_answers_come_in_pieces(monkeypatch, name, size):
    """However the network cuts an answer, also within the end of a line, it is read the same."""
    sockets = [Pieces(WHOLE[name], size), Pieces(WHOLE[name], 1 << 20)]
    monkeypatch.setattr(socket, "create_connection", lambda *_: sockets.pop(0))
    with (
        closing(HttpTransport("http://127.0.0.1:9")) as first,
        closing(HttpTransport("http://127.0.0.1:9")) as second,
    ):
        in_pieces, at_once = first.send(GET), second.send(GET)
    assert in_pieces == at_once


@pytest.mark.parametrize("answer", CLOSED.values(), ids=CLOSED)
def test_a_connection_that_the_server_will_close_is_not_used_again(serving, answer):
    """Where the connection ends with the answer, the next request goes through another one (RFC 9112, section 9.6)."""
    server = serving((answer, True), OK)
    with closing(HttpTransport(server.url)) as transport:
        first = transport.send(GET)
        assert transport.send(GET).body == b"ok"
    assert server.connections == 2
    assert parts(first.status, first.headers, first.body) == by_httpx(serving((answer, True)).url)


@pytest.mark.parametrize(
    "answer", [CLOSED["will close"], CLOSED["version 1.0"]], ids=["will close", "version 1.0"]
)
def test_what_the_server_announces_counts(serving, answer):
    """A connection that the server announced to close is not used again, though it is still open."""
    server = serving(answer, OK)
    with closing(HttpTransport(server.url)) as transport:
        assert [transport.send(GET).body for _ in range(2)] == [b"ok"] * 2
    assert server.connections == 2


@pytest.mark.parametrize(
    "answer", [OK + b"more", b"HTTP/1.1 204 No Content\r\n\r\nbody"], ids=["more", "body of 204"]
)
def test_a_connection_with_bytes_left_is_not_used_again(serving, answer):
    """Bytes beyond the answer would be taken for the answer to the next request."""
    server = serving(answer, OK)
    with closing(HttpTransport(server.url)) as transport:
        transport.send(GET)
        assert transport.send(GET).body == b"ok"
    assert server.connections == 2


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
BROKEN = {
    "no version": b"HTTP 200 OK\r\n\r\n",
    "another version": b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
    "no status": b"HTTP/1.1 \r\ncontent-length: 0\r\n\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n",
    "long status": b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
    "signed status": b"HTTP/1.1 -20 OK\r\ncontent-length: 0\r\n\r\n",
    "other digits": "HTTP/1.1 ²²² OK\r\ncontent-length: 0\r\n\r\n".encode("latin-1"),
    "no colon": b"HTTP/1.1 200 OK\r\ncontent-length 0\r\n\r\n",
    "no name": b"HTTP/1.1 200 OK\r\n: x\r\ncontent-length: 0\r\n\r\n",
    "space before the colon": b"HTTP/1.1 200 OK\r\ncontent-length : 0\r\n\r\n",
    "folded": b"HTTP/1.1 200 OK\r\nx: y\r\n z: w\r\ncontent-length: 0\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "signed length": b"HTTP/1.1 200 OK\r\ncontent-length: +0\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\ncontent-length: 0\r\n\r\n",
    "length and chunks": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 0\r\n\r\n0\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "superscript length": "HTTP/1.1 200 OK\r\ncontent-length: ²\r\n\r\n".encode("latin-1"),
    "huge length": b"HTTP/1.1 200 OK\r\ncontent-length: 1" + b"0" * 18 + b"\r\n\r\n",
    "chunk without a size": CHUNKED + b"\r\n0\r\n\r\n",
    "negative chunk": CHUNKED + b"-1\r\n0\r\n\r\n",
    "prefixed chunk": CHUNKED + b"0x1\r\na\r\n0\r\n\r\n",
    "nine digits": CHUNKED + b"000000001\r\na\r\n0\r\n\r\n",
    "chunk too long": CHUNKED + b"1\r\nab\r\n0\r\n\r\n",
    "end in a chunk": CHUNKED + b"5\r\nabc",
    "end after a chunk": CHUNKED + b"1\r\na\r\n",
    "end in the trailers": CHUNKED + b"0\r\nx: y\r\n",
    "end in the body": b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabc",
    "endless head": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
    "whole head of 200 kB": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000 + b"\r\ncontent-length: 0\r\n\r\n",
    "endless hints": b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3,
}


@pytest.mark.parametrize("answer", BROKEN.values(), ids=BROKEN)
def test_what_is_no_answer_is_refused(serving, answer):
    """A malformed answer is a transport error, never another answer (RFC 9112); its connection is not used again."""
    server = serving((answer, True), OK)
    with closing(HttpTransport(server.url)) as transport:
        with pytest.raises(TransportError, match=f"^{server.url} did not answer: "):
            transport.send(GET)
        assert transport.send(GET).body == b"ok"
    assert server.connections == 2


@pytest.mark.parametrize("size", [None, 0, 1, 65_535, 65_536, 65_537, 300_000])
def test_bodies_of_requests(serving, size):
    """A body arrives whole behind its length; a request without one has no length."""
    server = serving(OK)
    body = None if size is None else b"x" * size
    with closing(HttpTransport(server.url + "/base/")) as transport:
        transport.send(Request("POST", "/api/v2/status", body, timeout_s=60))
    ((head, received),) = server.requests
    assert head[0] == b"POST /base/api/v2/status HTTP/1.1"
    assert received == (body or b"")
    lengths = [line for line in head if line.startswith(b"content-length")]
    assert lengths == ([] if size is None else [b"content-length: %d" % size])
    assert b"host: " + server.url.removeprefix("http://").encode() in head


@pytest.mark.parametrize("path", ["/a b", "/a\r\nx: y", "/ä", "/\x00"])
def test_paths_that_would_break_the_request(serving, path):
    """A path cannot smuggle in a header or a second request: it is refused before anything is sent."""
    server = serving()
    with (
        closing(HttpTransport(server.url)) as transport,
        pytest.raises(TransportError, match="no path of a URL"),
    ):
        transport.send(Request("GET", path, timeout_s=60))
    assert server.requests == []


def test_a_kept_connection_that_the_server_closed(serving):
    """A connection that was closed while it was idle is replaced without an error."""
    server = serving((OK, True), OK)
    with closing(HttpTransport(server.url)) as transport:
        assert transport.send(GET).body == b"ok"
        server.threads[1].join(60)
        assert transport.send(GET).body == b"ok"
    assert server.connections == 2


def test_no_more_connections_than_the_limit(serving, monkeypatch):
    """A request that finds all connections in use waits for one, and fails when its time is over."""
    monkeypatch.setattr(transport_http, "MAX_CONNECTIONS", 1)
    server = serving(OK, OK)
    server.may_answer.clear()
    first = []
    with closing(HttpTransport(server.url)) as transport:
        thread = threading.Thread(target=lambda: first.append(transport.send(GET).body))
        thread.start()
        assert server.arrived.wait(60)
        with pytest.raises(TransportError, match="Timeout: all connections are in use"):
            transport.send(Request("GET", "/", timeout_s=0.01))
        server.may_answer.set()
        assert transport.send(GET).body == b"ok"
        thread.join(60)
    assert (first, server.connections) == ([b"ok"], 1)


def test_a_url_without_a_port(monkeypatch):
    """The port of HTTP is 80."""
    asked = []

    def refuse(address, _timeout_s):
        asked.append(address)
        raise ConnectionRefusedError("connection refused")

    monkeypatch.setattr(socket, "create_connection", refuse)
    with (
        closing(HttpTransport("http://localhost")) as transport,
        pytest.raises(TransportError, match="connection refused"),
    ):
        transport.send(GET)
    assert asked == [(b"localhost", 80)]


PLAIN = {
    "http://127.0.0.1:4943": True,
    "http://localhost/base": True,
    "http://[::1]:8000": True,
    "HTTP://LOCALHOST:1": True,
    "https://127.0.0.1": False,
    "http://127.0.0.2:4943": False,
    "http://ic0.app": False,
    "http://user@127.0.0.1": False,
    "http://127.0.0.1/?a=b": False,
    "http://127.0.0.1/#a": False,
    "http://127.0.0.1/a b": False,
    "http://127.0.0.1/ä": False,
}


@pytest.mark.parametrize(("url", "plain"), PLAIN.items())
def test_which_urls_need_no_more(url, plain):
    """HTTP to this machine without credentials and query is all that the client by sockets takes on."""
    assert speaks_plainly(url) is plain
