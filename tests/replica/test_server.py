"""The replica over HTTP."""

from __future__ import annotations

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from ic_harness.errors import ReplicaError
from ic_harness.protocol import cbor
from ic_harness.replica import serve

CBOR = {"content-type": "application/cbor"}


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


def test_a_huge_body_is_413(server, rust):
    """A body far beyond the limit is not read to its end."""
    answer, _ = ask(server, "POST", f"/api/v3/canister/{rust.id}/call", bytes(4 << 20))
    assert answer.status == 413


def test_an_address_in_use_is_an_error(server, replica):
    """A port that is taken gives one sentence."""
    with pytest.raises(ReplicaError, match="cannot listen"):
        serve(replica, port=urlsplit(server.url).port)
    assert json.dumps(server.url)
