"""Canisters that never rest, and one that never ends, for tests of how the replica keeps its callers served."""

from __future__ import annotations

from .support import deploy_wat

_CALLS = """
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (import "ic0" "canister_self_size" (func $self_size (result i32)))
  (import "ic0" "canister_self_copy" (func $self_copy (param i32 i32 i32)))
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "global_timer_set" (func $timer (param i64) (result i64)))
  (import "ic0" "time" (func $time (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 100) "m")
  (table funcref (elem $answered))
  (global $beats (mut i32) (i32.const 0))
  (func $call_self
    (call $self_copy (i32.const 0) (i32.const 0) (call $self_size))
    (call $new (i32.const 0) (call $self_size) (i32.const 100) (i32.const 1)
      (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))
    (drop (call $perform)))
  (func (export "canister_update m") (call $reply))
  (func (export "canister_query beats")
    (i32.store (i32.const 0) (global.get $beats))
    (call $append (i32.const 0) (i32.const 4))
    (call $reply))
  (func $count (global.set $beats (i32.add (global.get $beats) (i32.const 1))))
"""

HEARTBEAT = """
  (func $answered (param i32))
  (func (export "canister_heartbeat") (call $count) (call $call_self))
"""
"""Calls itself at every heartbeat."""

TIMER = """
  (func $answered (param i32))
  (func $arm (drop (call $timer (call $time))))
  (func (export "canister_init") (call $arm))
  (func (export "canister_global_timer") (call $count) (call $arm))
"""
"""Arms a timer that is due already, again and again."""

CHAIN = """
  (func $answered (param i32) (call $count) (call $call_self))
  (func (export "canister_init") (drop (call $timer (call $time))))
  (func (export "canister_global_timer") (call $call_self))
"""
"""Calls itself when its call to itself was answered, without end."""


def restless(replica, kind):
    """Install one of the modules above; gives the canister's id."""
    return deploy_wat(replica, kind, prelude=_CALLS)


SPIN = """
  (func (export "canister_update spin") (loop $again (br $again)))
  (func (export "canister_query look") (loop $again (br $again)))
  (func (export "canister_update write") (loop $again
    (i32.store (i32.const 8) (i32.add (i32.load (i32.const 8)) (i32.const 1)))
    (call $print (i32.const 0) (i32.const 9)) (br $again)))
  (func (export "canister_update count") (call $count) (call $show))
"""
"""Methods that never end, and one that does."""


def endless(replica):
    """Install `SPIN`; gives the canister's id."""
    return deploy_wat(replica, SPIN)
