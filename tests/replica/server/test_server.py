"""The replica over HTTP."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from ic_harness import candid
from ic_harness.errors import ReplicaError
from ic_harness.protocol import cbor
from ic_harness.replica import serve
from ic_harness.replica.server.connections import Limits
from ic_harness.replica.server.server import app
from tests.replica.support import deploy_wat

CBOR = {"content-type": "application/cbor"}
HALVES = [b"", b"P", b"POST /api/v2/status HTTP/1.1\r\n", b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\n123"]


@pytest.fixture
def server(replica):
    running = serve(replica)
    yield running
    running.stop()


def ask(server, method, path, body=None, headers=CBOR):
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer, content


def test_it_listens_on_loopback_only(server):
    """Unless told otherwise nobody else can reach it."""
    assert urlsplit(server.url).hostname == "127.0.0.1"


def test_status_over_http(server, replica):
    """The status comes as CBOR, and browsers may read it."""
    answer, content = ask(server, "GET", "/api/v2/status")
    assert answer.status == 200
    assert cbor.decode(content)["root_key"] == replica.root_key
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_call_over_http(server, wire, rust):
    """A synchronous call gives the certificate in the body of the answer."""
    envelope = wire.seal_call(rust.id, "get", b"DIDL\0\0")
    answer, content = ask(server, "POST", f"/api/v3/canister/{rust.id}/call", envelope.to_cbor())
    fields = wire.certified_fields(cbor.decode(content)["certificate"], envelope.request_id)
    assert (answer.status, fields["status"]) == (200, b"replied")


def test_many_connections(server, wire, rust):
    """Parallel connections are all answered."""

    def one(number):
        envelope = wire.seal_call(rust.id, "get", b"DIDL\0\0", nonce=bytes([number]))
        return ask(server, "POST", f"/api/v4/canister/{rust.id}/call", envelope.to_cbor())[0].status

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(one, range(48))) == {200}


def test_the_keep_alive_time_is_announced(server):
    """Every answer says how long its connection is kept: longer than hyper's pool keeps it, 90 s."""
    answer, _ = ask(server, "GET", "/api/v2/status")
    assert answer.headers["keep-alive"] == f"timeout={Limits().keep_alive_s}"
    assert Limits().keep_alive_s > 90


def test_half_open_connections_hinder_no_other(replica):
    """Beside 200 connections with half a request each, others are answered."""
    with serve(replica) as server, ExitStack() as stack:
        address = (urlsplit(server.url).hostname, urlsplit(server.url).port)
        for number in range(200):
            begun = HALVES[number % len(HALVES)]
            stack.enter_context(socket.create_connection(address, timeout=30)).sendall(begun)
        for _ in range(20):
            assert ask(server, "GET", "/api/v2/status")[0].status == 200


def test_half_a_body_is_no_request(replica, caplog):
    """A client that goes away within its body has asked nothing, and that is no error of the server."""
    asked = []
    application = app(replica)
    parts = [{"type": "http.request", "body": b"1", "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return parts.pop(0)

    async def send(message):
        asked.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v2/status", "headers": []}

    async def ask_once():
        await application(scope, receive, send)

    asyncio.run(ask_once())
    assert (asked, caplog.records) == ([], [])


def test_a_huge_body_is_413(server, rust):
    """A body far beyond the limit is not read to its end."""
    answer, _ = ask(server, "POST", f"/api/v3/canister/{rust.id}/call", bytes(6 << 20))
    assert answer.status == 413


def test_an_address_in_use_is_an_error(server, replica):
    """A port that is taken gives one sentence."""
    with pytest.raises(ReplicaError, match="cannot listen"):
        serve(replica, port=urlsplit(server.url).port)
    assert json.dumps(server.url)


PAGE = candid.parse(
    """service : { http_request : (record {}) -> (record { status_code : nat16;
      headers : vec record { text; text }; body : blob }) query }"""
)


def page_of(replica, status, headers, body=b"body"):
    """Install a canister that answers every page with these; its host name."""
    page = {"status_code": status, "headers": headers, "body": body}
    reply = candid.encode((page,), PAGE.methods["http_request"].return_types)
    data = "".join(f"\\{byte:02x}" for byte in reply)
    canister = deploy_wat(
        replica,
        f"""(data (i32.const 0) "{data}")
        (func (export "canister_query http_request")
          (call $append (i32.const 0) (i32.const {len(reply)})) (call $reply))""",
    )
    return {"host": f"{canister}.localhost"}


@pytest.mark.parametrize("status", [0, 1, 99, 100, 101, 103, 199, 600, 999, 65535])
def test_statuses_that_http_does_not_have(server, replica, status):
    """A page with such a status is answered 502 with the reason; the connection stays."""
    answer, content = ask(server, "GET", "/", headers=page_of(replica, status, []))
    assert (answer.status, str(status) in content.decode()) == (502, True)


HEADERS = [
    ("", "x"),
    ("a b", "x"),
    ("a:b", "x"),
    ("naïve", "x"),
    ("a\r\nb", "x"),
    ("x", "a\r\nset-cookie: b"),
    ("x", "\0"),
    ("x", "\x7f"),
]


@pytest.mark.parametrize("header", HEADERS, ids=repr)
def test_headers_that_http_forbids(server, replica, header):
    """A header that HTTP cannot carry, or that would become two, is answered 502 with the reason."""
    answer, content = ask(server, "GET", "/", headers=page_of(replica, 200, [header]))
    assert answer.status == 502
    assert "cannot be used" in content.decode()
    assert content.decode().isprintable()


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(server, replica, status):
    """204 and 304 have no body, and the connection goes on with the next answer."""
    headers = page_of(replica, status, [("etag", '"1"')], b"must not be sent")
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    for _ in range(2):
        connection.request("GET", "/", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read(), answer.headers["etag"]) == (status, b"", '"1"')
        assert "content-length" not in answer.headers
    connection.close()


def test_repeated_headers_stay_repeated(server, replica):
    """Cookies are several headers, in their order; text beyond ASCII is UTF-8; what is ours is not the canister's."""
    headers = [
        ("Set-Cookie", "a=1"), ("X-One", "é\tx"), ("set-cookie", "b=2"), ("Content-Length", "9999"),
        ("X-IC-Harness-Certified", "v2"), ("Transfer-Encoding", "chunked"),
    ]  # fmt: skip
    answer, content = ask(server, "GET", "/", headers=page_of(replica, 200, headers))
    assert (answer.status, content) == (200, b"body")
    assert answer.headers.get_all("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["x-one"].encode("latin-1").decode() == "é\tx"
    assert answer.headers.get_all("x-ic-harness-certified")[0].startswith("no")
    assert answer.headers.get_all("content-length") == ["4"]


ODD = [
    "() -> () query",
    "() -> (record {}) query",
    "(record {}) -> (vec nat8) query",
    "(record {}) -> (record { status_code : text }) query",
    "(nat, nat) -> (record {}) query",
    "(record {}) -> (opt record {}) query",
]


@pytest.mark.parametrize("signature", ODD)
def test_a_canister_with_another_idea_of_pages(server, replica, signature):
    """A published interface in which `http_request` has another form is answered 502."""
    canister = deploy_wat(
        replica,
        f"""(@custom "icp:public candid:service" "service : {{ http_request : {signature} }}")
        (data (i32.const 0) "DIDL\\00\\00")
        (func (export "canister_query http_request")
          (call $append (i32.const 0) (i32.const 6)) (call $reply))""",
    )
    answer, content = ask(server, "GET", "/", headers={"host": f"{canister}.localhost"})
    assert answer.status == 502
    assert b"cannot be used" in content
