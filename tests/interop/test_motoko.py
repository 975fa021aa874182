"""Motoko canisters of both generations run unchanged: persistence, traps, calls, timers, cycles."""

from __future__ import annotations

import pytest

from ic_harness.errors import RejectError
from ic_harness.principal import Principal

from .lab import ABSENT, OWNER, Fixture

pytestmark = pytest.mark.interop

KEEP = {"wasm_memory_persistence": "keep"}


@pytest.fixture
def counter(lab, generation):
    """A counter of either generation that begins at 40."""
    return lab.deploy(f"{generation}/counter", 40)


@pytest.fixture
def caller(lab, generation):
    """The canister that calls counters."""
    return lab.deploy(f"{generation}/caller")


def _flags(generation):
    return KEEP if generation == "motoko" else {}


def refused(*words):
    """A context in which a call must be rejected with all of `words` in the text."""
    return pytest.raises(RejectError, match="(?s)" + ".*".join(words))


def test_shapes(counter):
    """Every Candid shape goes in and comes out."""
    sent = ("Grüße", -(10**30), 7, b"\x00\xff")
    assert counter.call("echo", *sent) == sent
    assert counter.call("echo", *sent, update=True) == sent


def test_variables(counter):
    """Updates keep what they change; a query called as update runs replicated and keeps nothing."""
    assert [counter.call("increment") for _ in range(3)] == [41, 42, 43]
    assert counter.call("add", 10**30) == 43 + 10**30
    assert counter.call("get", update=True) == counter.call("get") == 43 + 10**30


def test_upgrade_keeps_stable_variables(counter, generation):
    """An upgrade keeps stable variables, begins transient ones anew, and runs postupgrade."""
    counter.call("increment")
    for name in ("Ada", "Grace"):
        counter.call("remember", name)
    same = counter.upgrade(Fixture(f"{generation}/counter"), 0, **_flags(generation))
    assert same.call("state") == {"count": 41, "upgrades": 1, "names": ["Ada", "Grace"], "forgotten": 0}
    newer = same.upgrade(Fixture(f"{generation}/counter_v2"), 0, **_flags(generation))
    assert newer.call("double") == 82
    assert newer.call("state") == {"count": 82, "upgrades": 2, "names": ["Ada", "Grace"], "doubled": 1}


def test_many_upgrades(counter, generation):
    """Upgrading ten times loses nothing."""
    for turn in range(10):
        counter.call("remember", f"turn {turn}" + "x" * 1000)
        counter = counter.upgrade(Fixture(f"{generation}/counter"), 0, **_flags(generation))
    state = counter.call("state")
    assert (state["upgrades"], len(state["names"]), state["count"]) == (10, 10, 40)


def test_enhanced_persistence_wants_the_option(lab):
    """Upgrading a canister with enhanced persistence without saying what becomes of its memory is refused."""
    counter = lab.deploy("motoko/counter", 40)
    with refused("Missing upgrade option", "wasm_memory_persistence"):
        counter.upgrade(Fixture("motoko/counter"), 0)
    assert counter.call("get") == 40


def test_enhanced_persistence_refuses_incompatible_types(lab):
    """A changed type of a stable variable is refused by the canister itself, and the old code goes on."""
    counter = lab.deploy("motoko/counter", 40)
    counter.call("increment")
    with refused("Memory-incompatible program upgrade"):
        counter.upgrade(Fixture("motoko/counter_incompatible"), 0, **KEEP)
    assert counter.call("increment") == 42


def test_keep_needs_a_module_that_can(lab):
    """Memory cannot be kept by a module without enhanced persistence."""
    counter = lab.deploy("motoko/counter", 40)
    with refused("Invalid upgrade option"):
        counter.upgrade(Fixture("motoko-classical/counter"), 0, **KEEP)


def test_replacing_memory_forgets(lab):
    """With `replace` the memory of enhanced persistence begins anew."""
    counter = lab.deploy("motoko/counter", 40)
    counter.call("increment")
    again = counter.upgrade(Fixture("motoko/counter"), 7, wasm_memory_persistence="replace")
    assert again.call("get") == 7


def test_from_classical_to_enhanced(lab):
    """A classical canister does not slip into enhanced persistence: the new code refuses, the old goes on."""
    counter = lab.deploy("motoko-classical/counter", 40)
    counter.call("increment")
    with refused("Detected implicit upgrade from classical"):
        counter.upgrade(Fixture("motoko/counter"), 0)
    assert counter.call("increment") == 42


def test_traps_roll_back(counter):
    """A trap rolls back its message with a text that names the place; a throw commits and rejects."""
    with refused("assertion failed at counter.mo:"):
        counter.call("fail_by_assert")
    assert counter.call("get") == 40
    with pytest.raises(RejectError) as thrown:
        counter.call("fail_by_throw")
    assert (thrown.value.reject_code, thrown.value.error_code) == (4, "IC0406")
    assert counter.call("get") == 1040
    with refused("assertion failed"):
        counter.call("fail_after_await")
    assert counter.call("get") == 1041


def test_wrong_arguments(lab, counter):
    """Bytes that are no Candid make the canister trap, and it goes on."""
    with pytest.raises(RejectError) as trapped:
        lab.replica.execute_update(OWNER, counter.id, "add", b"DIDL\x00\x01\x7f\xff\xff")
    assert trapped.value.reject_code == 5
    assert counter.call("get") == 40


def test_logs(lab, counter):
    """What a canister prints stands in its log."""
    counter.call("log", "hello from Motoko")
    assert "hello from Motoko" in lab.logs(counter.id)


def test_calls_between_canisters(caller, counter):
    """Calls in a row, in parallel, one-way and by composite query reach the other canister."""
    other = str(counter.id)
    assert caller.call("in_a_row", other) == (41, 42)
    total = caller.call("in_parallel", other)
    assert total == 43 + 45 + 48
    assert caller.call("who_calls", other) == caller.id
    assert caller.call("through_query", other) == 48 + 48
    caller.call("one_way", other)
    counter.call("add", 0)  # nobody waits for a one-way call; this one comes after it
    assert "one way" in counter.lab.logs(counter.id)


def test_refusals_are_caught(caller, counter):
    """A canister can catch what another refuses: code and text arrive."""
    seen = caller.call("caught", str(counter.id))
    assert [code for code, _ in seen] == ["#canister_reject", "#canister_error", "#canister_error"]
    assert seen[0][1] == "thrown by the counter"
    assert "assertion failed" in seen[1][1]
    assert "no_such_method" in seen[2][1]


def test_trap_after_a_call(caller, counter):
    """What an await committed stays when the callback traps; the rest of the callback is rolled back."""
    with refused("assertion failed"):
        caller.call("trap_after_call", str(counter.id))
    assert caller.call("committed_count") == 1
    assert counter.call("get") == 41


def test_call_to_nobody(caller):
    """A call to a canister that does not exist is refused as destination invalid."""
    with refused("not found"):
        caller.call("in_a_row", str(ABSENT))


def test_cycles(lab):
    """Cycles go with a call; what is not accepted comes back."""
    giver, taker = lab.deploy("motoko/wallet"), lab.deploy("motoko/wallet")
    before = taker.call("balance")
    assert giver.call("give", str(taker.id), 10**12, 4 * 10**11) == {
        "accepted": 4 * 10**11,
        "refunded": 6 * 10**11,
    }
    gained = taker.call("balance") - before
    assert 0 <= 4 * 10**11 - gained < 10**10  # minus what executing cost


def test_best_effort(lab):
    """A call with a deadline is answered like any other when it is answered in time."""
    giver, taker = lab.deploy("motoko/wallet"), lab.deploy("motoko/wallet")
    assert giver.call("give_within", str(taker.id), 5000, 10) == 5000


def test_random_and_certified_data(lab):
    """raw_rand gives 32 new bytes each time; certified data comes with a certificate in queries only."""
    wallet = lab.deploy("motoko/wallet")
    first, second = wallet.call("random"), wallet.call("random")
    assert len(first) == len(second) == 32
    assert first != second
    wallet.call("certify", b"x" * 32)
    assert len(wallet.call("certificate")) > 100
    assert wallet.call("certificate", update=True) is None


def test_every_caller_is_seen(counter):
    """The caller is the sender, also the anonymous one."""
    for sender in (OWNER, Principal.anonymous()):
        assert counter.call("whoami", sender=sender) == counter.call("whoami_update", sender=sender) == sender
