"""A vault written in WAT, with a planted fault, and its healthy twin.

The vault may only be emptied while it is open. `seal` must close it. The faulty vault forgets that when it was opened,
filled and then sealed, in this order with anything in between: `check` traps from then on, `sound` answers 0.
"""

from __future__ import annotations

import wasmtime

DID = (
    "service : { open : () -> (); fill : (nat32) -> (); seal : () -> (); idle : () -> (); check : () -> (); "
    "sound : () -> (nat32) query }"
)
EMPTY = b"DIDL\0\0"
_MODULE = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "stable_grow" (func $grow (param i32) (result i32)))
  (import "ic0" "stable_write" (func $write (param i32 i32 i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (import "ic0" "trap" (func $trap (param i32 i32)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (memory 1)
  (global $stage (mut i32) (i32.const 0))
  (global $count (mut i32) (i32.const 0))
  (data (i32.const 0) "DIDL\\00\\00")
  (data (i32.const 16) "DIDL\\00\\01\\79")
  (data (i32.const 32) "the vault is open after call 000")
  (data (i32.const 64) "sealed")
  (func $answer
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (i32.store8 (i32.const 100) (global.get $count))
    (i32.store8 (i32.const 101) (global.get $stage))
    (call $write (i32.const 0) (i32.const 100) (i32.const 2))
    (call $certify (i32.const 100) (i32.const 2))
    (call $append (i32.const 0) (i32.const 6)) (call $reply))
  (func (export "canister_init") (drop (call $grow (i32.const 1))))
  (func (export "canister_update open")
    (if (i32.eqz (global.get $stage)) (then (global.set $stage (i32.const 1)))) (call $answer))
  (func (export "canister_update fill")
    (if (i32.eq (global.get $stage) (i32.const 1)) (then (global.set $stage (i32.const 2)))) (call $answer))
  (func (export "canister_update seal")
    (if (i32.eq (global.get $stage) (i32.const 2)) (then (global.set $stage (i32.const %(after)d))))
    (if (i32.eq (global.get $stage) (i32.const 1)) (then (global.set $stage (i32.const 0))))
    (call $print (i32.const 64) (i32.const 6)) (call $answer))
  (func (export "canister_update idle") (call $answer))
  (func (export "canister_update check")
    (if (i32.eq (global.get $stage) (i32.const 3))
      (then
        (i32.store8 (i32.const 63) (i32.add (i32.const 48) (i32.rem_u (global.get $count) (i32.const 10))))
        (call $trap (i32.const 32) (i32.const 32))))
    (call $answer))
  (func (export "canister_query sound")
    (i32.store (i32.const 23) (i32.ne (global.get $stage) (i32.const 3)))
    (call $append (i32.const 16) (i32.const 11)) (call $reply))
  (@custom "icp:public candid:service" "%(did)s"))
"""


def faulty() -> bytes:
    """The vault that stays open: stage 3."""
    return _module(3)


def healthy() -> bytes:
    """The vault that closes."""
    return _module(0)


def _module(after: int) -> bytes:
    return bytes(wasmtime.wat2wasm(_MODULE % {"after": after, "did": DID}))


CALLS = [
    *[
        "idle",
        "check",
        "open",
        "idle",
        "idle",
        "check",
        "idle",
        "open",
        "idle",
        "check",
        "idle",
        "idle",
        "check",
    ],
    *[
        "open",
        "idle",
        "fill",
        "idle",
        "check",
        "open",
        "idle",
        "check",
        "fill",
        "idle",
        "idle",
        "check",
        "seal",
    ],
    *[
        "idle",
        "idle",
        "open",
        "idle",
        "fill",
        "idle",
        "idle",
        "idle",
        "open",
        "idle",
        "idle",
        "open",
        "idle",
        "idle",
    ],
]
"""Forty calls, three of which together break the faulty vault."""
