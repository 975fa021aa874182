"""Calls to other canisters: how they are put together, what they hold, when they cannot be made."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Completed, Entry, Mode, OutgoingCall
from ic_harness.replica.state.fees import Fees
from ic_harness.replica.state.replicated_state import Callback

from .canisters import canister

# Every function begins a call to the callee "CALLEE" with method "method" and closures 1/11, 2/22.
BEGIN = """
  (data (i32.const 0) "CALLEE") (data (i32.const 16) "method") (data (i32.const 32) "payload")
  (func $begin (call $ic0.call_new (i32.const 0) (i32.const 6) (i32.const 16) (i32.const 6)
    (i32.const 1) (i32.const 11) (i32.const 2) (i32.const 22)))
"""
CALLER = canister(
    BEGIN
    + """
  (func (export "canister_update plain") (call $begin) (drop (call $ic0.call_perform)))
  (func (export "canister_update full") (call $begin)
    (call $ic0.call_data_append (i32.const 32) (i32.const 3))
    (call $ic0.call_data_append (i32.const 35) (i32.const 4))
    (call $ic0.call_on_cleanup (i32.const 3) (i32.const 33))
    (call $ic0.call_cycles_add128 (i64.const 0) (i64.const 1000))
    (call $ic0.call_cycles_add (i64.const 500))
    (call $ic0.call_with_best_effort_response (i32.const 400))
    (drop (call $ic0.call_perform)))
  (func (export "canister_update abandoned") (call $begin)
    (call $ic0.call_cycles_add (i64.const 500)) (call $begin) (drop (call $ic0.call_perform)))
  (func (export "canister_update call_and_trap") (call $begin) (drop (call $ic0.call_perform)) (unreachable))
  (func (export "canister_update three") (local $i i32)
    (loop $again (call $begin)
      (i32.store8 (i32.add (i32.const 200) (local.get $i)) (call $ic0.call_perform))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 3))))
    (call $ic0.msg_reply_data_append (i32.const 200) (i32.const 3)) (call $ic0.msg_reply))
  (func (export "canister_update no_draft") (drop (call $ic0.call_perform)))
  (func (export "canister_update append_without") (call $ic0.call_data_append (i32.const 0) (i32.const 0)))
  (func (export "canister_update two_cleanups") (call $begin)
    (call $ic0.call_on_cleanup (i32.const 3) (i32.const 33))
    (call $ic0.call_on_cleanup (i32.const 3) (i32.const 33)))
  (func (export "canister_update two_timeouts") (call $begin)
    (call $ic0.call_with_best_effort_response (i32.const 1))
    (call $ic0.call_with_best_effort_response (i32.const 1)))
  (func (export "canister_update long_callee")
    (call $ic0.call_new (i32.const 0) (i32.const 30) (i32.const 16) (i32.const 6)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
  (func (export "canister_update long_name")
    (call $ic0.call_new (i32.const 0) (i32.const 6) (i32.const 0) (i32.const 20001)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)))
"""
)


def expected(**changes) -> OutgoingCall:
    """The call that `$begin` makes."""
    fields = {
        "callee": b"CALLEE", "method": "method", "payload": b"", "cycles": 0, "on_reply": Callback(1, 11),
        "on_reject": Callback(2, 22), "on_cleanup": None, "timeout_s": None,
    }  # fmt: skip
    return OutgoingCall(**{**fields, **changes})


def test_a_plain_call(install):
    """A call leaves with callee, method and both closures when its message succeeds."""
    assert install(CALLER).ok("plain").effects.calls == (expected(),)


def test_everything_a_call_can_have(install):
    """Payload parts are joined, cycles added up, cleanup set, the timeout cut to 300 s."""
    call = expected(payload=b"payload", cycles=1500, on_cleanup=Callback(3, 33), timeout_s=300)
    assert install(CALLER).ok("full").effects.calls == (call,)


def test_beginning_anew_drops_the_draft(install):
    """A call that was begun and not performed never leaves, and its cycles are not spent."""
    assert install(CALLER).ok("abandoned").effects.calls == (expected(),)


def test_a_trap_takes_the_calls_back(install):
    """Calls of a message that traps never leave."""
    assert not hasattr(install(CALLER).trap("call_and_trap"), "effects")


def test_a_full_queue(install):
    """call_perform answers 2 when there is no room for more calls to this callee."""
    outcome = install(CALLER).ok("three", queue_room={b"CALLEE": 2})
    assert outcome.effects.answer.data == b"\0\0\x02"
    assert len(outcome.effects.calls) == 2


def test_calls_need_cycles(install):
    """call_perform answers 2 when the liquid balance does not cover the call's fee."""
    outcome = install(CALLER).ok("three", fees=Fees(), liquid_balance=2 * 43_000_000_000)
    assert outcome.effects.answer.data == b"\0\0\x02"


def test_cycles_that_are_not_there(install):
    """Attaching more than the liquid balance traps; controllers are told how much is missing."""
    known = {"caller": b"me", "controllers": frozenset({b"me"})}
    trap = install(CALLER).trap("full", liquid_balance=999, **known)
    assert (trap.error_code, trap.message) == (
        504,
        "Canister is out of cycles: please top up the canister with at least 1 additional cycles",
    )
    assert install(CALLER).trap("full", liquid_balance=999).message == "Canister is out of cycles"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("no_draft", "ic0.call_perform called when no call is under construction."),
        ("append_without", "ic0.call_data_append called when no call is under construction."),
        ("two_cleanups", "ic0.call_on_cleanup can be called at most once"),
        ("two_timeouts", "timeout is already set"),
        ("long_callee", "Canister provided invalid principal id"),
        ("long_name", "Encoded method name exceeds"),
    ],
)
def test_misuse_traps(install, name, text):
    """Calls out of order or out of bounds violate the contract."""
    trap = install(CALLER).trap(name)
    assert trap.error_code == 504
    assert text in trap.message


def test_payload_limit(install):
    """A payload beyond the limit traps before it is copied."""
    assert "larger than the allowed 8 bytes" in install(CALLER).trap("full", request_limit=8).message


CLOSURES = canister("""
  (table 4 funcref) (elem (i32.const 1) $keep $wrong)
  (func $keep (param $environment i32) (i32.store (i32.const 0) (local.get $environment)))
  (func $wrong)
  (func (export "canister_update look")
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 4)) (call $ic0.msg_reply))
""")


def test_callbacks_get_their_environment(install):
    """A callback is an index of the canister's table and gets the number that was given with it."""
    canister_ = install(CLOSURES)
    outcome = canister_.enter(Entry(callback=Callback(1, 0xFFFF_FFFF)), Mode.REPLY)
    assert isinstance(outcome, Completed)
    assert canister_.reply("look") == b"\xff\xff\xff\xff"


@pytest.mark.parametrize("index", [0, 2, 4, 1 << 31])
def test_callbacks_that_are_none(install, index):
    """An index without a function, of another type, or outside the table is IC0513."""
    trap = install(CLOSURES).enter(Entry(callback=Callback(index, 0)), Mode.REPLY)
    assert (trap.error_code, trap.message) == (
        513,
        f"Canister requested to invoke a non-existent Wasm function {index} from table 0",
    )


def test_one_way_calls(install):
    """The callback index 2^32-1 means that nobody waits for the answer: nothing runs."""
    outcome = install(CLOSURES).enter(Entry(callback=Callback(0xFFFF_FFFF, 0)), Mode.REPLY)
    assert isinstance(outcome, Completed)
