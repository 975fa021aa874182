"""A Rust canister by ic-cdk runs unchanged: stable structures, calls, timers, certificates, limits."""

from __future__ import annotations

import pytest

from ic_harness import candid
from ic_harness.errors import RejectError
from ic_harness.principal import Principal

from .lab import ABSENT, OWNER, Fixture

pytestmark = pytest.mark.interop

EMPTY = candid.encode((), ())


@pytest.fixture
def rust(lab):
    """The Rust fixture, counting from 40."""
    return lab.deploy("rust/rust", 40)


def test_upgrade(rust):
    """What pre_upgrade saved and what stable structures hold outlives an upgrade; the heap does not."""
    rust.call("add", 2)
    assert rust.call("put", "key", b"value" * 1000) is None
    after = rust.upgrade(Fixture("rust/rust"), 0)
    assert after.call("state") == {
        "count": 42, "heap_only": 0, "stable": 1, "upgrades": 1, "ticks": 0, "installer": OWNER,
    }  # fmt: skip
    assert after.call("fetch", "key") == b"value" * 1000
    assert after.call("list", 10) == ["key"]


def test_facts(rust, lab):
    """A canister sees who calls, itself, its subnet, the root key, cycles and instructions."""
    seen = rust.call("facts_update")
    assert (seen["caller"], seen["canister"], seen["subnet"]) == (OWNER, rust.id, lab.subnet)
    assert (seen["controller"], seen["replicated"]) == (True, True)
    assert seen["root_key"] == lab.replica.root_key
    assert seen["balance"] > 10**12
    assert seen["instructions"] > 0
    by_query = rust.call("facts", sender=Principal.anonymous())
    assert (by_query["caller"], by_query["controller"], by_query["replicated"]) == (
        Principal.anonymous(),
        False,
        False,
    )
    assert by_query["version"] == seen["version"] + 1


def test_failures_roll_back(rust):
    """Trap, panic and reject arrive with their texts, and a trap keeps nothing."""
    for method in ("trap", "panic"):
        with pytest.raises(RejectError, match="because") as failed:
            rust.call(method, "because")
        assert (failed.value.reject_code, failed.value.error_code) == (5, "IC0503")
    with pytest.raises(RejectError) as rejected:
        rust.call("reject", "because")
    assert (rejected.value.reject_code, rejected.value.reject_message) == (4, "because")
    with pytest.raises(RejectError, match="after the call"):
        rust.call("add_then_trap_after_call", 1)
    assert rust.call("get") == 41


def test_calls(rust, lab):
    """Calls carry bytes and cycles, one or many, guaranteed or best-effort, also by composite query."""
    other = lab.deploy("rust/rust", 7)
    cycles = candid.encode((3000,), candid.parse_types("(nat)"))
    for deadline in (None, 30):
        reply = rust.call("forward", other.id, "accept_cycles", cycles, 10_000, deadline)
        assert candid.decode(reply["Ok"], candid.parse_types("(nat)")) == (3000,)
    one = candid.encode((1,), candid.parse_types("(nat64)"))
    replies = rust.call("fan_out", other.id, "add", one, 20)
    numbers = sorted(candid.decode(reply["Ok"], candid.parse_types("(nat64)"))[0] for reply in replies)
    assert numbers == list(range(8, 28))
    got = rust.call("gather", other.id, "get", EMPTY)
    assert candid.decode(got["Ok"], candid.parse_types("(nat64)")) == (27,)


def test_refused_calls(rust, lab):
    """A canister learns code and text of what was refused, and from whom."""
    other = lab.deploy("rust/rust", 7)
    text = candid.encode(("no",), candid.parse_types("(text)"))
    codes = {
        "reject": rust.call("forward", other.id, "reject", text, 0, None)["Err"]["code"],
        "trap": rust.call("forward", other.id, "trap", text, 0, None)["Err"]["code"],
        "absent method": rust.call("forward", other.id, "nothing", EMPTY, 0, None)["Err"]["code"],
        "absent canister": rust.call("forward", ABSENT, "get", EMPTY, 0, None)["Err"]["code"],
    }
    assert codes == {"reject": 4, "trap": 5, "absent method": 5, "absent canister": 3}


def test_management_from_a_canister(rust):
    """raw_rand through the management canister gives 32 bytes, never the same."""
    first, second = rust.call("random"), rust.call("random")
    assert (len(first), len(second)) == (32, 32)
    assert first != second


def test_certified_data(rust, lab):
    """Certified data is proven in queries, by the certificate of the committed state."""
    assert rust.call("certificate") is not None
    rust.call("certify", b"d" * 32)
    certificate = rust.call("certificate")
    assert b"d" * 32 in certificate
    with pytest.raises(RejectError):
        rust.call("certify", b"d" * 33)


def test_instruction_limit(rust):
    """A loop without end is stopped by the instruction limit and the canister lives on."""
    with pytest.raises(RejectError) as stopped:
        rust.call("spin")
    assert stopped.value.error_code == "IC0522"
    assert rust.call("get") == 40


def test_memory_limit(lab):
    """A canister that outgrows its memory limit is refused, and what it held stays."""
    rust = lab.deploy("rust/rust", 40, wasm_memory_limit=32 << 20)
    assert rust.call("allocate", 4) == 4
    with pytest.raises(RejectError):
        rust.call("allocate", 64)
    assert rust.call("allocate", 1) == 5


def test_environment_variables(lab):
    """Environment variables of the settings are seen by the canister."""
    variables = [{"name": "MODE", "value": "test"}, {"name": "NAME", "value": "Grüße"}]
    rust = lab.deploy("rust/rust", 0, environment_variables=variables)
    assert sorted(rust.call("environment")) == [("MODE", "test"), ("NAME", "Grüße")]


def test_prints(rust, lab):
    """What a canister prints stands in its log."""
    rust.call("print", "hello from Rust")
    assert "hello from Rust" in lab.logs(rust.id)


def test_log_limit(lab):
    """A canister's log forgets its oldest lines beyond the limit of its settings, and its size is told."""
    rust = lab.deploy("rust/rust", 0, log_memory_limit=4096)
    for number in range(160):
        rust.call("print", f"line {number:03}")
    kept = 4096 // (20 + len("line 000"))  # a line counts 20 bytes besides its text
    assert lab.logs(rust.id) == [f"line {number:03}" for number in range(160 - kept, 160)]
