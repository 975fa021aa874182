"""What the tests of the replica share: canisters of others, called with Candid values."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

import pytest
import wasmtime

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.protocol import Certificate, cbor, list_children, lookup_value, seal
from ic_harness.replica import CostSchedule, HttpRequest
from ic_harness.replica.management.call import interface

CANISTERS = Path(__file__).resolve().parents[2] / "fixtures" / "canisters"
ALICE = Principal.self_authenticating(b"alice")
BOB = Principal.self_authenticating(b"bob")
MANAGEMENT = Principal.management()
FREE = pytest.mark.parametrize("schedule", [CostSchedule.FREE])
"""For tests of transfers, whose sums would be hidden by fees."""


@cache
def wasm(name):
    """The module of a fixture such as `rust/rust` or `motoko/counter`."""
    return (CANISTERS / f"{name}.wasm.gz").read_bytes()


@cache
def plain_wasm(name):
    return gzip.decompress(wasm(name))


@cache
def did(name):
    return candid.parse((CANISTERS / f"{name}.did").read_text())


class Called:
    """A canister, or the management canister, as an object whose methods take and give Candid values."""

    def __init__(self, replica, canister_id, service, sender=ALICE):
        self.replica, self.id, self.service, self.sender = replica, canister_id, service, sender

    def by(self, sender):
        return Called(self.replica, self.id, self.service, sender)

    def submit(self, method, *values):
        known = self.service.methods[method]
        finish = self.replica.submit_update(
            self.sender, self.id, method, candid.encode(values, known.arg_types)
        )
        return lambda: _result(finish(), known)

    def update(self, method, *values):
        return self.submit(method, *values)()

    def query(self, method, *values):
        known = self.service.methods[method]
        arg = candid.encode(values, known.arg_types)
        return _result(self.replica.execute_query(self.sender, self.id, method, arg), known)


def _result(reply, method):
    values = candid.decode(reply, method.return_types)
    return values[0] if len(values) == 1 else values or None


def management(replica, sender=ALICE):
    return Called(replica, MANAGEMENT, interface(), sender)


def create(replica, sender=ALICE, **options):
    call = {"amount": None, "settings": None, "specified_id": None, **options}
    return management(replica, sender).update("provisional_create_canister_with_cycles", call)["canister_id"]


def install(replica, canister_id, module, arg=b"DIDL\0\0", *, mode="install", sender=ALICE, options=None):
    value = {mode: options}
    management(replica, sender).update(
        "install_code", {"mode": value, "canister_id": canister_id, "wasm_module": module, "arg": arg}
    )


def deploy(replica, name, *init, sender=ALICE):
    """Create a canister from a fixture and give it as an object."""
    canister_id = create(replica, sender)
    service = did(name)
    install(replica, canister_id, wasm(name), candid.encode(init, service.init_args or ()), sender=sender)
    return Called(replica, canister_id, service, sender)


# --- over the wire -----------------------------------------------------------------------------------------


class Wire:
    """Speaks the HTTP interface as `identity`, in process."""

    def __init__(self, replica, identity):
        self.replica, self.identity = replica, identity

    def content(self, kind, **fields):
        expiry = self.replica.clock.now_ns() + 240_000_000_000
        return {
            "request_type": kind,
            "sender": self.identity.principal.raw,
            "ingress_expiry": expiry,
            **fields,
        }

    def post(self, path, body, headers=None):
        kind = {"content-type": "application/cbor"} if headers is None else headers
        return self.replica.handle(HttpRequest(method="POST", path=path, headers=kind, body=body))

    def seal_call(self, canister, method, arg=b"", **more):
        fields = {"canister_id": canister.raw, "method_name": method, "arg": arg, **more}
        return seal(self.content("call", **fields), self.identity)

    def call(self, canister, method, arg=b"DIDL\0\0", *, version=3, effective=None, **more):
        envelope = self.seal_call(canister, method, arg, **more)
        path = f"/api/v{version}/canister/{effective or canister}/call"
        return envelope, self.post(path, envelope.to_cbor())

    def verdict(self, canister, method, arg=b"DIDL\0\0", **more):
        """Call, check the certificate, and give the certified fields of the request."""
        envelope, answer = self.call(canister, method, arg, **more)
        assert answer.status == 200, (answer.status, answer.body)
        fields = cbor.decode(answer.body)
        assert fields["status"] == "replied", fields
        return self.certified_fields(fields["certificate"], envelope.request_id)

    def certified_fields(self, encoded, request_id):
        certificate = self.verified(encoded)
        names = list_children(certificate.tree, (b"request_status", request_id))
        return {
            name.decode(): lookup_value(certificate.tree, (b"request_status", request_id, name))
            for name in names
        }

    def verified(self, encoded):
        certificate = Certificate.from_cbor(encoded)
        certificate.verify(self.replica.root_key, canister_id=None, now_ns=self.replica.clock.now_ns())
        return certificate

    def query(self, canister, method, arg=b"DIDL\0\0", **more):
        fields = {"canister_id": canister.raw, "method_name": method, "arg": arg, **more}
        envelope = seal(self.content("query", **fields), self.identity)
        answer = self.post(f"/api/v3/canister/{canister}/query", envelope.to_cbor())
        return envelope, answer

    def read(self, canister, *paths, place="canister", version=3):
        envelope = seal(self.content("read_state", paths=[list(path) for path in paths]), self.identity)
        return self.post(f"/api/v{version}/{place}/{canister}/read_state", envelope.to_cbor())

    def tree(self, canister, *paths, **more):
        answer = self.read(canister, *paths, **more)
        assert answer.status == 200, (answer.status, answer.body)
        return self.verified(cbor.decode(answer.body)["certificate"]).tree


def wat(text, prelude=None):
    """Compile a module; by default with a page of memory and the functions of `PRELUDE`."""
    return bytes(wasmtime.wat2wasm(f"(module {PRELUDE if prelude is None else prelude} {text})"))


PRELUDE = """
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (import "ic0" "accept_message" (func $accept))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (import "ic0" "canister_status" (func $status (result i32)))
  (memory (export "memory") 1)
  (func $count (i32.store8 (i32.const 0) (i32.add (i32.load8_u (i32.const 0)) (i32.const 1))))
  (func $show (call $append (i32.const 0) (i32.const 1)) (call $reply))
  (func $fail (call $trap (i32.const 0) (i32.const 0)))
  (func $wake_after (param i64) (drop (call $timer (i64.add (call $time) (local.get 0)))))
"""


def deploy_wat(replica, text, sender=ALICE, prelude=None, **settings):
    """Install a hand-written module and give the canister's id."""
    canister_id = create(replica, sender, settings=settings or None)
    install(replica, canister_id, wat(text, prelude), sender=sender)
    return canister_id
