"""Real HTTP on loopback: every way in which a server can fail is one typed error."""

import asyncio
import gzip
import http.server
import socket
import threading
import traceback
import tracemalloc
import zlib
from contextlib import closing
from functools import cache

import httpx
import pytest

from ic_harness.agent import Agent, AsyncAgent, AsyncHttpTransport, HttpTransport, Request, transport_http
from ic_harness.errors import InputError, TransportError
from ic_harness.protocol import MAINNET_ROOT_KEY

from .standin import CANISTER, ROOT, StandIn


class Served(StandIn):
    """A stand-in network with its URL, the requests that it received and the encodings that they accept."""

    url: str
    calls_seen: list
    encodings: list


@pytest.fixture
def served():
    """A stand-in network behind a real HTTP server."""
    net = Served()
    calls = []
    net.encodings = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            size = int(self.headers.get("content-length", 0))
            calls.append((self.path, self.headers.get("content-type"), self.client_address))
            net.encodings.append(self.headers.get("accept-encoding"))
            response = net(Request(self.command, self.path, self.rfile.read(size)))
            self.send_response(response.status)
            self.send_header("content-length", str(len(response.body)))
            self.end_headers()
            self.wfile.write(response.body)

        do_GET = do_POST  # noqa: N815 - the name that http.server calls

        def log_message(self, *_):
            """Keep the test's output clean."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    net.url, net.calls_seen = f"http://127.0.0.1:{server.server_address[1]}", calls
    yield net
    server.shutdown()
    thread.join()
    server.server_close()


def test_calls_over_http(served):
    """Root key, update and query work over one kept connection, with the right content type."""
    with Agent(HttpTransport(served.url), clock=lambda: served.now) as agent:
        assert agent.update(CANISTER, "greet", bytes(1_000_000)) == b"reply"
        assert agent.query(CANISTER, "get", b"") == b"answer"
        assert agent.root_key() == ROOT.public_der
    assert len({address for _, _, address in served.calls_seen}) == 1
    assert {kind for path, kind, _ in served.calls_seen if "status" not in path} == {"application/cbor"}


def test_calls_over_http_asynchronously(served):
    """The asynchronous agent does the same, many at once."""

    async def scenario():
        async with AsyncAgent(AsyncHttpTransport(served.url), clock=lambda: served.now) as agent:
            updates = [agent.update(CANISTER, "greet", b"") for _ in range(20)]
            return await asyncio.gather(*updates, agent.query(CANISTER, "get", b""))

    assert asyncio.run(scenario()) == [b"reply"] * 20 + [b"answer"]
    assert len(served.executed) == 20


@pytest.fixture
def raw_server():
    """A server that reads one request and then sends given bytes, or nothing, and hangs up or holds on."""
    listeners, running = [], []

    def start(answer, *, hold=False):
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        released = threading.Event()

        def serve():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(answer)
                if hold:
                    released.wait(60)

        thread = threading.Thread(target=serve)
        thread.start()
        running.append((released, thread))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in listeners:
        listener.close()
    for released, thread in running:
        released.set()
        thread.join(60)


def both(url, request):
    """Send with both transports; give the two errors."""

    async def later():
        transport = AsyncHttpTransport(url)
        try:
            return await transport.send(request)
        finally:
            await transport.close()

    return lambda: HttpTransport(url).send(request), lambda: asyncio.run(later())


DYING = {
    "hangs up at once": b"",
    "dies in the head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "dies in the body": b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nonly this",
    "is no HTTP": b"220 smtp.example.org ESMTP\r\n",
}


@pytest.mark.parametrize("answer", DYING.values(), ids=DYING)
@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
def test_servers_that_die(raw_server, answer, which):
    """A connection that breaks anywhere is a transport error."""
    send = both(raw_server(answer), Request("GET", "/api/v2/status"))[which]
    with pytest.raises(TransportError, match="did not answer"):
        send()


@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
def test_a_server_that_says_nothing(raw_server, which):
    """Silence ends with the timeout of the request."""
    url = raw_server(b"", hold=True)
    send = both(url, Request("GET", "/api/v2/status", timeout_s=0.05))[which]
    with pytest.raises(TransportError, match="Timeout"):
        send()


def test_nobody_listens():
    """A port without a server is a transport error that names the URL."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(TransportError, match=url):
        HttpTransport(url).send(Request("GET", "/api/v2/status"))


def test_an_endless_answer(raw_server, monkeypatch):
    """An answer as long as the limit is taken; one beyond it is not collected for ever."""
    monkeypatch.setattr(transport_http, "MAX_ANSWER", 1000)
    head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n"
    with closing(HttpTransport(raw_server(head % 1000 + bytes(1000)))) as transport:
        assert transport.send(Request("GET", "/")).body == bytes(1000)
    with pytest.raises(TransportError, match="more than 1000 bytes"):
        HttpTransport(raw_server(head % 1001 + bytes(1001))).send(Request("GET", "/"))


def test_a_dripping_answer(raw_server, monkeypatch):
    """An answer that drips is cut off when the time of the whole exchange is over."""
    ticks = iter(range(0, 10_000, 100))
    monkeypatch.setattr("ic_harness.agent.transport_http.time.monotonic", lambda: next(ticks))
    url = raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nabcde")
    with pytest.raises(TransportError, match="in time"):
        HttpTransport(url).send(Request("GET", "/"))


@cache
def _twice_compressed() -> bytes:
    """Half a kilobyte that stands for 128 MB."""
    inner = zlib.compressobj(9, wbits=31)
    parts = [inner.compress(bytes(1 << 20)) for _ in range(128)]
    return gzip.compress(b"".join([*parts, inner.flush()]), 9)


ENCODINGS = ["gzip, gzip", "gzip", "br", "zstd", "unknown", "IDENTITY, deflate"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("which", [0, 1], ids=["sync", "async"])
def test_encoded_answers_are_refused(raw_server, encoding, which):
    """Nothing is decoded that was not asked for: a few kilobytes could stand for gigabytes."""
    body = _twice_compressed()
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {len(body)}\r\n\r\n"
    send = both(raw_server(head.encode() + body), Request("GET", "/api/v2/status"))[which]
    tracemalloc.start()
    with pytest.raises(TransportError, match="not asked for"):
        send()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("status", [300, 404, 503])
def test_an_encoded_error_keeps_its_status(raw_server, status):
    """The status of an error counts; its encoded body is left alone."""
    head = b"HTTP/1.1 %d Some\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd" % status
    with closing(HttpTransport(raw_server(head))) as transport:
        response = transport.send(Request("GET", "/"))
    assert (response.status, response.body) == (status, b"")


def test_no_encoding_is_asked_for(served):
    """The header says that bodies are wanted as they are."""
    with closing(HttpTransport(served.url)) as transport:
        transport.send(Request("GET", "/api/v2/status"))
    assert served.encodings == ["identity"]


SECRET = "http://alice:hunter2@127.0.0.1:9?key=hunter2#hunter2"


@pytest.mark.parametrize(
    "url", [SECRET, "alice:hunter2@host", "http://alice:hunter2@[", "http://a:hunter2@h:x/"]
)
def test_secrets_of_urls_are_not_shown(url):
    """User, password and query string appear in no error and no representation."""

    def use():
        with closing(HttpTransport(url)) as transport:
            assert "hunter2" not in repr(transport)
            transport.send(Request("GET", "/"))

    with pytest.raises((InputError, TransportError)) as caught:
        use()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_closed():
    """After closing, sending is a transport error."""
    transport = HttpTransport("http://127.0.0.1:9")
    transport.close()
    with pytest.raises(TransportError, match="closed"):
        transport.send(Request("GET", "/"))

    async def later():
        transport = AsyncHttpTransport("http://127.0.0.1:9")
        await transport.close()
        await transport.send(Request("GET", "/"))

    with pytest.raises(TransportError, match="was closed"):
        asyncio.run(later())


def test_a_proxy_is_for_the_world_outside(raw_server, unused_port, monkeypatch):
    """The proxy of the environment is used for other hosts, never for this machine."""

    async def ask(url):
        transport = AsyncHttpTransport(url)
        try:
            return (await transport.send(Request("GET", "/api/v2/status"))).body
        finally:
            await transport.close()

    def answering(body):
        return raw_server(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", answering(b"proxy"))
    assert asyncio.run(ask("http://ic.example")) == b"proxy"
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port}")
    assert asyncio.run(ask(answering(b"direct"))) == b"direct"


@pytest.mark.parametrize("url", ["", "localhost:4943", "ftp://x", "http://"])
def test_bad_urls(url):
    """What is no HTTP address is the caller's mistake."""
    with pytest.raises(InputError):
        HttpTransport(url)


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://icp-api.io", True),
        ("https://x.icp0.io/", True),
        ("http://127.0.0.1:4943", False),
        ("https://evil-icp0.io", False),
        ("https://icp0.io.evil.org", False),
    ],
)
def test_the_root_key_of_the_internet_computer_is_built_in(url, known):
    """Mainnet's key is never asked for over the network."""
    transport = HttpTransport(url)
    assert transport.root_key == (MAINNET_ROOT_KEY if known else None)
    assert Agent(transport).session.root_key == transport.root_key


def leaves(kind):
    """All classes below `kind`."""
    return {below for child in kind.__subclasses__() for below in {child} | leaves(child)}


@pytest.mark.parametrize(
    "kind", sorted(leaves(httpx.HTTPError) | leaves(httpx.StreamError) | {OSError}, key=repr)
)
def test_every_error_of_the_library_is_typed(kind):
    """No exception of httpx or of sockets gets through, whatever a later version adds."""
    with pytest.raises(TransportError), transport_http._typed_errors("http://x"):
        raise kind.__new__(kind)
