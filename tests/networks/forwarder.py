"""A canister that makes one call to the management canister as it is told, and returns what came back."""

from __future__ import annotations

from typing import Any

from ic_harness import candid
from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.replica.management.call import interface
from tests.replica.support import wat

from .asker import ANSWERS, Failed

FORWARDER = (
    """
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $text_size (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $text_copy (param i32 i32 i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $argument (param i32 i32)))
  (import "ic0" "call_cycles_add" (func $attach (param i64)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory (export "memory") 80)
  (table funcref (elem $done $failed))
  ;; the argument: cycles (8 bytes), length of the method's name (1 byte), the name, the argument of the call
  (func (export "canister_update forward") (local $name i32)
    (call $copy (i32.const 4096) (i32.const 0) (call $size))
    (local.set $name (i32.load8_u (i32.const 4104)))
    (call $new (i32.const 0) (i32.const 0) (i32.const 4105) (local.get $name)
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $argument (i32.add (i32.const 4105) (local.get $name))
      (i32.sub (call $size) (i32.add (i32.const 9) (local.get $name))))
    (call $attach (i64.load (i32.const 4096)))
    (drop (call $perform)))
"""
    + ANSWERS
)


class Forwarder:
    """The canister on a network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.id: Principal = network.deploy(wat(FORWARDER, prelude=""))
        self.agent = network.agent()

    def raw(self, method: str, argument: bytes, cycles: int = 0) -> bytes | Failed:
        """Call with the bytes of an argument."""
        name = method.encode()
        head = cycles.to_bytes(8, "little") + bytes([len(name)]) + name
        reply = self.agent.update(self.id, "forward", head + argument)
        return Failed(int(reply[1:2]), reply[2:].decode()) if reply[:1] == b"!" else reply

    def call(self, method: str, cycles: int = 0, **argument: Any) -> Any:
        """Call with a record; returns the record that came back, or `Failed`."""
        known = interface().methods[method]
        reply = self.raw(method, candid.encode((argument,), known.arg_types), cycles)
        return reply if isinstance(reply, Failed) else candid.decode(reply, known.return_types)[0]
