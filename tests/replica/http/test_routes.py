"""Paths, HTTP statuses, and input that nobody should send."""

from __future__ import annotations

import os
import re

import pytest

from ic_harness.principal import Principal
from ic_harness.protocol import Ed25519Identity, Envelope, cbor, seal
from ic_harness.replica import HttpRequest, SubnetKind, SubnetSpec
from ic_harness.units import MIB
from tests.replica.subnets import opened
from tests.replica.support import Wire


def get(replica, path, method="GET"):
    return replica.handle(HttpRequest(method=method, path=path))


def test_status_tells_the_root_key_and_health(replica):
    """The status is readable without a signature and says what tools wait for."""
    answer = get(replica, "/api/v2/status")
    fields = cbor.decode(answer.body)
    assert answer.headers["content-type"] == "application/cbor"
    assert answer.body.startswith(b"\xd9\xd9\xf7")
    assert (fields["root_key"], fields["replica_health_status"]) == (replica.root_key, "healthy")


@pytest.mark.parametrize(
    "path",
    ["/", "/api/v3/status", "/api/v9/canister/{c}/call", "/api/v2/canister/{c}/fly", "/api/v2/canister/{c}"],
)
def test_unknown_paths_are_404(replica, wire, rust, path):
    """Unknown versions and paths are 404, because clients fall back on that."""
    assert wire.post(path.format(c=rust.id), b"").status == 404


@pytest.mark.parametrize("text", ["foobar", "aaaaa-aa", "rrkahfqaaaaaaaaaaaaaqcai", "", "%00"])
def test_a_bad_canister_id_in_the_url_is_400(wire, text):
    """Text that is no canister id of this subnet is refused."""
    assert wire.post(f"/api/v3/canister/{text}/call", b"").status in {400, 404}


def test_a_canister_of_no_subnet_is_400(wire, rust):
    """Ids outside all ranges do not belong here."""
    user = wire.identity.principal
    answer = wire.post(f"/api/v3/canister/{user}/call", b"")
    assert (answer.status, answer.body.decode()) == (400, f"Canister {user} does not belong to any subnet.")


def test_the_content_type_must_be_cbor(wire, rust):
    """Another content type is refused with the sentence that clients know; upper case will do."""
    path = f"/api/v3/canister/{rust.id}/call"
    answer = wire.post(path, b"", {"content-type": "text/plain"})
    assert answer.body == b"Unexpected content-type, expected application/cbor."
    body = wire.seal_call(rust.id, "get", b"DIDL\0\0").to_cbor()
    assert wire.post(path, body, {"content-type": "Application/CBOR"}).status == 200


def test_a_large_body_is_413(replica, wire, rust):
    """A body beyond the limit is refused as too large."""
    body = bytes(replica.config.ingress_bytes + 1)
    assert wire.post(f"/api/v3/canister/{rust.id}/call", body).status == 413


def test_a_query_may_be_larger_than_a_call(wire, rust):
    """A request has at most 4 MiB; a call besides what an ingress message of its subnet may have."""
    fits, large = bytes(2 * MIB - 4096), bytes(2 * MIB)
    assert wire.post(*sealed(wire, rust.id, fits)).status == 200
    refused = wire.post(*sealed(wire, rust.id, large))
    assert refused.status == 413
    assert re.fullmatch(
        r"Request 0x[0-9a-f]{64} is too large. Message byte size \d+ is larger than the max allowed 2097152.",
        refused.body.decode(),
    )
    assert wire.query(rust.id, "get", bytes(4 * MIB - 4096))[1].status == 200
    assert wire.query(rust.id, "get", bytes(4 * MIB))[1].status == 413


def test_system_subnets_take_larger_calls():
    """An ingress message has up to 3.5 MiB there, and on application subnets of more than 13 nodes."""
    specs = [SubnetSpec(kind=SubnetKind.NNS), SubnetSpec(), SubnetSpec(nodes=34)]
    with opened(specs) as network:
        limits = [node.subnet.ingress_bytes for node in network.nodes.all]
        assert limits == [3 * MIB + MIB // 2, 2 * MIB, 3 * MIB + MIB // 2]


def sealed(wire, canister, arg):
    return f"/api/v3/canister/{canister}/call", wire.seal_call(canister, "get", arg).to_cbor()


def test_methods_other_than_post_are_405(replica, rust):
    """The endpoints take POST, the status takes GET, browsers may ask for their options."""
    assert get(replica, f"/api/v3/canister/{rust.id}/call").status == 405
    assert get(replica, "/api/v2/status", "POST").status == 405
    answer = get(replica, f"/api/v3/canister/{rust.id}/call", "OPTIONS")
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "*")


ENDPOINTS = [
    "v2/canister/{c}/call",
    "v4/canister/{c}/call",
    "v3/canister/{c}/query",
    "v2/canister/{c}/read_state",
    "v3/subnet/{s}/query",
    "v4/subnet/{s}/call",
]
BOMBS = {
    "nothing": b"",
    "deep arrays": b"\x81" * 100_000,
    "deep maps": b"\xa1\x00" * 50_000,
    "huge length": b"\x9b" + b"\xff" * 8,
    "huge text": b"\x7b" + b"\xff" * 8,
    "unknown tag": b"\xc0\x00",
    "number": b"\x00",
    "no content": cbor.encode({"contents": {}}),
    "content is text": cbor.encode({"content": "x"}),
    "numeric keys": cbor.encode({"content": {1: 2}}),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("name", BOMBS)
def test_malformed_requests_are_400(replica, wire, rust, endpoint, name):
    """Whatever is no envelope is 400 with a sentence, on every endpoint."""
    place = endpoint.format(c=rust.id, s=replica.node.subnet.principal)
    answer = wire.post(f"/api/{place}", BOMBS[name])
    assert answer.status == 400
    assert answer.body


def test_random_bytes_never_break_the_replica(wire, rust):
    """Random and truncated bytes get 400, and the canister answers as before."""
    good = wire.seal_call(rust.id, "get", b"DIDL\0\0").to_cbor()
    inputs = [os.urandom(size) for size in range(0, 200, 3)] + [good[:end] for end in range(0, len(good), 5)]
    for body in inputs:
        assert wire.post(f"/api/v3/canister/{rust.id}/call", body).status == 400
    assert rust.query("get") == 7


WRONG: dict[str, list] = {
    "sender": [b"x" * 30, "text", 5],
    "canister_id": [b"y" * 30, 7],
    "method_name": [b"bytes", 1],
    "arg": ["text", [1]],
    "ingress_expiry": [-1, 1 << 64, "soon", True],
    "nonce": [b"n" * 33, "n"],
    "request_type": ["query", "fly", 3],
}


@pytest.mark.parametrize(("field", "value"), [(f, v) for f, values in WRONG.items() for v in values])
def test_fields_of_wrong_type_or_size_are_400(wire, rust, field, value):
    """Every field of a call is checked for type and limits."""
    content = wire.seal_call(rust.id, "get", b"DIDL\0\0").content | {field: value}
    envelope = Envelope(content, wire.identity.public_key_der, b"\0" * 64)
    assert wire.post(f"/api/v3/canister/{rust.id}/call", envelope.to_cbor()).status == 400


@pytest.mark.parametrize("endpoint", ["call", "query", "read_state"])
def test_a_forged_sender_is_400(wire, rust, endpoint):
    """A request in somebody else's name, or with a wrong signature, goes nowhere."""
    mallory = Ed25519Identity.from_seed(b"m" * 32)
    fields: dict = {"paths": []}
    if endpoint != "read_state":
        fields = {"canister_id": rust.id.raw, "method_name": "get", "arg": b"DIDL\0\0"}
    content = wire.content(endpoint, **fields)
    signed = seal({**content, "sender": mallory.principal.raw}, mallory)
    path = f"/api/v3/canister/{rust.id}/{endpoint}"
    stolen_key = Envelope(content, mallory.public_key_der, signed.sender_sig)
    wrong_signature = Envelope(content, wire.identity.public_key_der, signed.sender_sig)
    unsigned = Envelope(content)
    for envelope in (stolen_key, wrong_signature, unsigned):
        assert wire.post(path, envelope.to_cbor()).status == 400
    anonymous = Envelope({**content, "sender": b"\x04"}, mallory.public_key_der, signed.sender_sig)
    assert wire.post(path, anonymous.to_cbor()).body == b"Signature is not allowed for the anonymous user."


@pytest.mark.parametrize("shift", [-1_000_000_000, 400_000_000_000])
def test_expiry_out_of_range_is_400(replica, wire, rust, shift):
    """An expiry in the past or too far ahead is refused with the text that agents react to."""
    for kind in ("call", "query"):
        fields = {"canister_id": rust.id.raw, "method_name": "get", "arg": b"DIDL\0\0"}
        content = wire.content(kind, **fields) | {"ingress_expiry": replica.clock.now_ns() + shift}
        answer = wire.post(f"/api/v3/canister/{rust.id}/{kind}", seal(content, wire.identity).to_cbor())
        assert answer.status == 400
        assert answer.body.startswith(b"Invalid request expiry: ")


def test_anonymous_queries_may_be_expired(replica, rust):
    """Anonymous queries and readings are exempt from the expiry."""
    content = {
        "request_type": "query", "sender": b"\x04", "ingress_expiry": 1,
        "canister_id": rust.id.raw, "method_name": "get", "arg": b"DIDL\0\0",
    }  # fmt: skip
    wire = Wire(replica, None)
    answer = wire.post(f"/api/v3/canister/{rust.id}/query", Envelope(content).to_cbor())
    assert cbor.decode(answer.body)["status"] == "replied"
    content = {"request_type": "read_state", "sender": b"\x04", "ingress_expiry": 1, "paths": [[b"time"]]}
    answer = wire.post(f"/api/v3/canister/{rust.id}/read_state", Envelope(content).to_cbor())
    assert answer.status == 200


def test_subnet_ids_are_checked(wire, replica):
    """The subnet endpoints serve this subnet only."""
    other = Principal.self_authenticating(b"other subnet")
    assert wire.read(other, (b"time",), place="subnet").status == 400
    assert wire.read(replica.node.subnet.principal, (b"time",), place="subnet").status == 200
