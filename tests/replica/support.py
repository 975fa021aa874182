"""What the tests of the replica share: canisters of others, called through the test API with Candid values."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from ic_harness import candid
from ic_harness.principal import Principal
from ic_harness.replica import Replica
from ic_harness.replica.management.call import interface

CANISTERS = Path(__file__).resolve().parents[2] / "fixtures" / "canisters"
ALICE = Principal.self_authenticating(b"alice")
BOB = Principal.self_authenticating(b"bob")
MANAGEMENT = Principal.management()


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
        finish = self.replica.submit_update(self.sender, self.id, method, candid.encode(values, known.arg_types))
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


def install(replica, canister_id, module, arg=b"DIDL\0\0", mode="install", sender=ALICE, options=None):
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
