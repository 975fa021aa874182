"""Code whose installation takes as many instructions as one asks for, and calls that install it."""

from __future__ import annotations

import struct

from ic_harness import candid
from ic_harness.replica.management.call import interface
from tests.replica.support import ALICE, BOB, MANAGEMENT, create, wat

from .long_canisters import TEN, rounds_arg

_CODE = """
  (import "ic0" "msg_arg_data_copy" (func $arg_copy (param i32 i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $arg_size (result i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "canister_version" (func $version (result i64)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (import "ic0" "stable_grow" (func $grow (param i32) (result i32)))
  (import "ic0" "stable_size" (func $pages (result i32)))
  (import "ic0" "stable_read" (func $read (param i32 i32 i32)))
  (import "ic0" "stable_write" (func $write (param i32 i32 i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (memory (export "memory") 1)
  (data (i32.const 100) "leaving" "beginning")
  (func $spin (param $rounds i32)
    (local $value i64)
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
    (i32.store (i32.const 32) (i32.const 0))
    (call $arg_copy (i32.const 32) (i32.const 0) (i32.const 4))
    (i32.load (i32.const 32)))
  (func $begin
    (i64.store (i32.const 8) (call $time))
    (i64.store (i32.const 16) (call $version))
    (call $print (i32.const 107) (i32.const 9))
    (call $certify (i32.const 107) (i32.const 9))
    (call $spin (call $wanted))
    (i64.store (i32.const 24) (call $time)))
  (func (export "canister_init")
    (drop (call $grow (i32.const 1)))
    (call $begin))
  (func (export "canister_pre_upgrade")
    (call $print (i32.const 100) (i32.const 7))
    (i32.store (i32.const 0) (i32.const 1))
    (call $write (i32.const 0) (i32.const 0) (i32.const 4))
    (drop (call $timer (i64.const 5)))
    (call $read (i32.const 40) (i32.const 8) (i32.const 4))
    (call $spin (i32.load (i32.const 40))))
  (func (export "canister_post_upgrade")
    (call $read (i32.const 0) (i32.const 0) (i32.const 4))
    (call $begin)
    TRAP)
  (func (export "canister_update leaving")
    (drop (call $wanted))
    (call $write (i32.const 8) (i32.const 32) (i32.const 4))
    (call $reply))
  (func (export "canister_update burn")
    (call $spin (call $wanted))
    (call $reply))
  (func (export "canister_query seen")
    (call $read (i32.const 4) (i32.const 0) (i32.const 4))
    (call $append (i32.const 0) (i32.const 32))
    (call $reply))
"""
GOOD = wat(_CODE.replace("TRAP", ""), prelude="")
TRAPPING = wat(_CODE.replace("TRAP", "unreachable"), prelude="")


def encoded(method, argument):
    return candid.encode((argument,), interface().methods[method].arg_types)


def managed(replica, method, argument, sender=ALICE):
    """Submit a call of the management canister."""
    return replica.submit_update(sender, MANAGEMENT, method, encoded(method, argument))


def installing(replica, canister, rounds=TEN, *, mode="install", module=GOOD, sender=ALICE):
    """Submit an installation whose first entry point takes so many rounds of the loop."""
    argument = {
        "mode": {mode: None},
        "canister_id": canister,
        "wasm_module": module,
        "arg": rounds_arg(rounds),
    }
    return managed(replica, "install_code", argument, sender)


def installed(replica, rounds=0):
    """A canister with the code."""
    canister = create(replica)
    installing(replica, canister, rounds)()
    return canister


def seen(replica, canister):
    """What a query sees: whether pre_upgrade left something, times and version in the first entry point."""
    left, stable, began, version, ended = struct.unpack(
        "<IIQQQ", replica.execute_query(BOB, canister, "seen", b"")
    )
    return left, stable, began, version, ended


def leaving(replica, canister, rounds):
    """Let pre_upgrade take so many rounds of the loop."""
    replica.execute_update(ALICE, canister, "leaving", rounds_arg(rounds))
