"""Requests made of right and wrong parts: every one gets an answer, and the replica lives on."""

from __future__ import annotations

import random

from ic_harness.principal import Principal
from ic_harness.protocol import AnonymousIdentity, Envelope, cbor, seal
from ic_harness.replica import HttpRequest
from tests.replica.support import Wire

METHODS = ["get", "add", "trap", "install_code", "update_settings", "canister_status", "\0", "é" * 50]
ARGUMENTS = [
    b"",
    b"DIDL\0\0",
    b"DIDL\x01\x6c" + b"\xff" * 5,
    b"DIDL" + b"\x80" * 9,
    b"junk",
    b"DIDL\x01\x6d" + b"\xff" * 5_000,
]
LABELS = [b"time", b"canister", b"subnet", b"request_status", b"canister_ranges", b"metadata", b"\xff", b""]
VALUES: list = [None, True, -1, 1 << 70, b"\0" * 31, "text", 1.5, [], [[]], {"a": {}}, 1 << 63]


def some_content(chance, wire, canisters):
    kind = chance.choice(["call", "query", "read_state"])
    if kind == "read_state":
        fields = {
            "paths": [chance.choices(LABELS, k=chance.randrange(4)) for _ in range(chance.randrange(4))]
        }
    else:
        fields = {
            "canister_id": chance.choice(canisters).raw,
            "method_name": chance.choice(METHODS),
            "arg": chance.choice(ARGUMENTS),
            "nonce": chance.randbytes(8),
        }
    content = wire.content(kind, **fields)
    if chance.random() < 0.4:
        content[chance.choice(list(content))] = chance.choice(VALUES)
    return kind, content


def some_body(chance, content, identity):
    if content["sender"] == identity.principal.raw and not any(
        isinstance(v, float | bool) for v in content.values()
    ):
        try:
            body = seal(content, identity).to_cbor()
        except ValueError:
            body = cbor.encode({"content": content})
    else:
        body = Envelope(content).to_cbor()
    changed = bytearray(body)
    if chance.random() < 0.3:
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def test_anything_gets_an_answer(replica, wire, rust):
    """Mixed-up, damaged and misdirected requests are answered with a status of the specification."""
    chance = random.Random(7)
    canisters = [rust.id, Principal.management(), Principal(b"\0" * 10)]
    places = [f"canister/{rust.id}", f"subnet/{replica.node.subnet.principal}", "canister/x"]
    seen = set()
    for _ in range(600):
        who = chance.choice([wire, Wire(replica, AnonymousIdentity())])
        kind, content = some_content(chance, who, canisters)
        body = some_body(chance, content, who.identity)
        path = f"/api/v{chance.choice([2, 3, 4])}/{chance.choice(places)}/{kind}"
        headers = {"content-type": "application/cbor"}
        answer = replica.handle(HttpRequest(method="POST", path=path, headers=headers, body=body))
        seen.add(answer.status)
    assert seen <= {200, 202, 400, 403, 404}
    assert {200, 400, 404} <= seen
    assert rust.query("get") == 7
