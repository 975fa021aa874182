"""A small canister and a running embedded network."""

from __future__ import annotations

import pytest
import wasmtime

from ic_harness.networks import embedded

COUNTER = r"""
(module
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "debug_print" (func $print (param i32 i32)))
  (memory 1)
  (data (i32.const 0) "DIDL\00\01\79")  ;; one nat32, which follows at 7
  (data (i32.const 16) "counted")
  (func $answer (call $append (i32.const 0) (i32.const 11)) (call $reply))
  (func (export "canister_update increment")
    (i32.store (i32.const 7) (i32.add (i32.load (i32.const 7)) (i32.const 1)))
    (call $print (i32.const 16) (i32.const 7))
    (call $answer))
  (func (export "canister_update trap") unreachable)
  (func (export "canister_query get") (call $answer)))
"""
COUNTER_DID = "service : { increment : () -> (nat32); trap : () -> (); get : () -> (nat32) query }"


@pytest.fixture(scope="session")
def counter_wasm():
    """A counter, written by hand."""
    return bytes(wasmtime.wat2wasm(COUNTER))


@pytest.fixture
def network():
    """An embedded network of the test's own, in memory."""
    with embedded() as running:
        yield running
