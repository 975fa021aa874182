"""Small counters written in WAT: one that keeps its count across upgrades, and ones that do not."""

from __future__ import annotations

import wasmtime

DID = "service : { increment : () -> (nat32); get : () -> (nat32) query; now : () -> (nat64) query }"
START = 5

_MODULE = """(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "time" (func $time (result i64)))
  (import "ic0" "stable_grow" (func $grow (param i32) (result i32)))
  (import "ic0" "stable_write" (func $write (param i32 i32 i32)))
  (import "ic0" "stable_read" (func $read (param i32 i32 i32)))
  (import "ic0" "certified_data_set" (func $certify (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "DIDL\\00\\01\\79")
  (data (i32.const 16) "DIDL\\00\\01\\78")
  (func $answer (call $append (i32.const 0) (i32.const 11)) (call $reply))
  (func $save (call $write (i32.const 0) (i32.const 7) (i32.const 4)))
  (func (export "canister_init")
    (drop (call $grow (i32.const 1)))
    (i32.store (i32.const 7) (i32.const %(start)d)) (call $save))
  (func (export "canister_update increment")
    (i32.store (i32.const 7) (i32.add (i32.load (i32.const 7)) (i32.const 1)))
    (call $save) (call $answer))
  (func (export "canister_query get") (call $answer))
  (func (export "canister_query now")
    (i64.store (i32.const 23) (call $time)) (call $append (i32.const 16) (i32.const 15)) (call $reply))
  %(more)s
  (@custom "%(section)s" "%(did)s"))
"""
_LOAD = "(call $read (i32.const 7) (i32.const 0) (i32.const 4))"


_PUBLISHED = "icp:public candid:service"


def counter(more: str = "", start: int = START, section: str = _PUBLISHED) -> bytes:
    """A counter that begins at `start`; `more` are further functions, `section` is where the interface is."""
    return bytes(wasmtime.wat2wasm(_MODULE % {"more": more, "start": start, "section": section, "did": DID}))


def keeping(section: str = _PUBLISHED) -> bytes:
    """The healthy twin: it reads its count back after an upgrade."""
    return counter(f'(func (export "canister_post_upgrade") {_LOAD})', section=section)


def losing() -> bytes:
    """The faulty twin: its count is 0 after an upgrade."""
    return counter()


def trapping(hook: str) -> bytes:
    """A counter that traps in `pre_upgrade` or `post_upgrade`."""
    return counter(f'(func (export "canister_{hook}") unreachable)')
