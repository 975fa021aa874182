"""HTTPS outcalls of an instance, which a client answers."""

from __future__ import annotations

import base64

import pytest

from ic_harness.candid import encode
from ic_harness.principal import Principal
from tests.replica.support import did, wasm

from .conftest import METHODS, b64

CYCLES = 30_000_000_000
"""More than an outcall of 1,000 bytes costs on 13 nodes."""


@pytest.mark.parametrize("url", ["example.com", "http://example.com/", "https://example.com/"])
def test_a_mock_answers_any_url(instance, url):
    """As with PocketIC, the client decides what a URL answers, also one that no node would ask for."""
    canister = instance.install(wasm("rust/rust"), arg=encode((7,), did("rust/rust").init_args))
    outcall = {
        "url": url,
        "max_response_bytes": 1_000,
        "method": {"get": None},
        "headers": [],
        "body": None,
        "transform": None,
        "is_replicated": None,
    }
    arg = encode((outcall,), METHODS["http_request"].arg_types)
    forward = encode(
        (Principal.management(), "http_request", arg, CYCLES, None),
        did("rust/rust").methods["forward"].arg_types,
    )
    call = instance.submit(canister, "forward", forward)["Ok"]
    instance.post("update/tick", {})
    instance.post("update/tick", {})
    (pending,) = instance.get("read/get_canister_http")
    assert pending["url"] == url
    answer = {"CanisterHttpReply": {"status": 200, "headers": [], "body": b64(b"as mocked")}}
    mock = {name: pending[name] for name in ("subnet_id", "request_id")}
    instance.post("update/mock_canister_http", {**mock, "response": answer, "additional_responses": []})
    assert instance.get("read/get_canister_http") == []
    replied = instance.post("update/await_ingress_message", call)["Ok"]
    assert b"as mocked" in base64.b64decode(replied)
