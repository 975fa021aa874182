"""A canister whose messages take as many instructions as one asks for, and a replica with small slices."""

from __future__ import annotations

import struct

from ic_harness.replica import CostSchedule, ManualClock, Replica, ReplicaConfig
from tests.replica.support import BOB, deploy_wat

SLICE = 20_000_000
START = 1_700_000_000_000_000_000
TEN = 8_500_000
"""Rounds of the loop that take nearly ten slices."""

_PRELUDE = """
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "performance_counter" (func $counter (param i32) (result i64)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $data (param i32 i32)))
  (import "ic0" "call_on_cleanup" (func $on_cleanup (param i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "canister_self_size" (func $self_size (result i32)))
  (import "ic0" "canister_self_copy" (func $self_copy (param i32 i32 i32)))
  (memory (export "memory") 1)
  (table funcref (elem $called $trapping $cleaning))
  (data (i32.const 100) "burn")
  (func $spin (param $rounds i32)
    (local $value i64)
    (local $first i64)
    (local.set $value (i64.const 1))
    (if (local.get $rounds) (then
      (loop $again
        (local.set $value (i64.rotl (i64.mul (local.get $value) (i64.const 6364136223846793005)) (i64.const 7)))
        (local.set $value (i64.add (local.get $value) (i64.const 1442695040888963407)))
        (local.set $value (i64.xor (local.get $value) (i64.shr_u (local.get $value) (i64.const 3))))
        (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
        (br_if $again (local.get $rounds)))))
    (i64.store (i32.const 48) (local.get $value)))
  (func $wanted (result i32)
    (call $arg_copy (i32.const 32) (i32.const 0) (i32.const 4))
    (i32.load (i32.const 32)))
  (func $count (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1))))
  (func $burn
    (call $count)
    (i64.store (i32.const 8) (call $time))
    (call $spin (call $wanted))
    (i64.store (i32.const 16) (call $time))
    (i64.store (i32.const 24) (call $counter (i32.const 1)))
    (call $append (i32.const 0) (i32.const 32))
    (call $append (i32.const 48) (i32.const 8))
    (call $reply))
  (func $call_self (param $on_reply i32)
    (call $self_copy (i32.const 200) (i32.const 0) (call $self_size))
    (call $new (i32.const 200) (call $self_size) (i32.const 100) (i32.const 4)
      (local.get $on_reply) (i32.load (i32.const 32)) (local.get $on_reply) (i32.const 0))
    (i32.store (i32.const 36) (i32.const 0))
    (call $data (i32.const 36) (i32.const 4)))
  (func $called (param $rounds i32)
    (call $count)
    (call $spin (local.get $rounds))
    (call $append (i32.const 0) (i32.const 4))
    (call $reply))
  (func $trapping (param $rounds i32)
    (call $count)
    (call $spin (local.get $rounds))
    unreachable)
  (func $cleaning (param $rounds i32)
    (call $spin (local.get $rounds))
    (i32.store (i32.const 0) (i32.const 77)))
"""
_CODE = """
  (func (export "canister_update burn") (call $burn))
  (func (export "canister_query burn_query") (call $burn))
  (func (export "canister_update burn_trap") (call $count) (call $spin (call $wanted)) unreachable)
  (func (export "canister_update later")
    (drop (call $wanted))
    (call $call_self (i32.const 0))
    (drop (call $perform)))
  (func (export "canister_update clean")
    (drop (call $wanted))
    (call $call_self (i32.const 1))
    (call $on_cleanup (i32.const 2) (i32.load (i32.const 32)))
    (drop (call $perform)))
  (func (export "canister_update tomorrow")
    (i32.store (i32.const 300) (call $wanted))
    (drop (call $timer (i64.const 1)))
    (call $reply))
  (func (export "canister_global_timer") (call $count) (call $spin (i32.load (i32.const 300))))
  (func (export "canister_pre_upgrade"))
  (func (export "canister_query count")
    (call $append (i32.const 0) (i32.const 4))
    (call $reply))
"""


def sliced(**options):
    """A replica whose messages have slices of `SLICE` instructions."""
    config = {"seed": b"long", "clock": ManualClock(START), "slice_instructions": SLICE, "threads": 2}
    return Replica(ReplicaConfig(**{**config, "cost_schedule": CostSchedule.NORMAL, **options}))


def long_canister(replica):
    """Install the canister; returns its id."""
    return deploy_wat(replica, _CODE, prelude=_PRELUDE)


def rounds_arg(rounds):
    """The argument of a message that takes so many rounds of the loop."""
    return struct.pack("<I", rounds)


def count(replica, canister):
    """What a query sees: how many messages have counted."""
    return struct.unpack("<I", replica.execute_query(BOB, canister, "count", b""))[0]


def submit(replica, canister, method, rounds=TEN, sender=BOB):
    """Submit a message of so many rounds of the loop."""
    return replica.submit_update(sender, canister, method, rounds_arg(rounds))


def ticks_until(call, replica, most=40):
    """Run rounds until a call is answered; returns how many."""
    for number in range(most):
        if call.done:
            return number
        replica.tick()
    raise AssertionError(f"no answer within {most} rounds")


def instructions(replica, method):
    """The instructions of the newest message of this name."""
    return [cost for cost in replica.figures()[1] if cost.what == method][-1].instructions
