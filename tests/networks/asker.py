"""A canister that makes HTTPS outcalls, and what its tests send and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ic_harness import candid
from ic_harness.candid import FuncRef
from ic_harness.networks import Network
from ic_harness.principal import Principal
from ic_harness.replica.management.call import interface
from tests.replica.support import wat

ANSWERS = """
  (func $done (param i32)
    (call $copy (i32.const 4096) (i32.const 0) (call $size))
    (call $append (i32.const 4096) (call $size)) (call $reply))
  (func $failed (param i32)
    (i32.store8 (i32.const 4096) (i32.const 33))
    (i32.store8 (i32.const 4097) (i32.add (i32.const 48) (call $code)))
    (call $text_copy (i32.const 4098) (i32.const 0) (call $text_size))
    (call $append (i32.const 4096) (i32.add (i32.const 2) (call $text_size))) (call $reply))
"""
"""What a canister does with the answer to its call: it replies with the bytes, or `!`, the reject code, the text."""
ASKER = (
    """
  (import "ic0" "msg_reply" (func $reply))
  (import "ic0" "msg_reply_data_append" (func $append (param i32 i32)))
  (import "ic0" "msg_arg_data_size" (func $size (result i32)))
  (import "ic0" "msg_arg_data_copy" (func $copy (param i32 i32 i32)))
  (import "ic0" "msg_reject_code" (func $code (result i32)))
  (import "ic0" "msg_reject_msg_size" (func $text_size (result i32)))
  (import "ic0" "msg_reject_msg_copy" (func $text_copy (param i32 i32 i32)))
  (import "ic0" "msg_caller_size" (func $caller_size (result i32)))
  (import "ic0" "call_new" (func $new (param i32 i32 i32 i32 i32 i32 i32 i32)))
  (import "ic0" "call_data_append" (func $argument (param i32 i32)))
  (import "ic0" "call_cycles_add" (func $attach (param i64)))
  (import "ic0" "call_perform" (func $perform (result i32)))
  (memory (export "memory") 80)
  (data (i32.const 0) "http_request")
  (data (i32.const 100) "{cleaned}")
  (table funcref (elem $done $failed))
  (func (export "canister_update ask") (call $ask (i64.const {cycles})))
  (func (export "canister_update ask_for_nothing") (call $ask (i64.const 1)))
  (func $ask (param $cycles i64)
    (call $copy (i32.const 4096) (i32.const 0) (call $size))
    (call $new (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 12)
      (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0))
    (call $argument (i32.const 4096) (call $size))
    (call $attach (local.get $cycles))
    (drop (call $perform)))
  (func (export "canister_query clean")
    (if (call $caller_size) (then (unreachable)))
    (call $append (i32.const 100) (i32.const {cleaned_size})) (call $reply))
  (func (export "canister_query echo")
    (call $copy (i32.const 4096) (i32.const 0) (call $size))
    (call $append (i32.const 4096) (call $size)) (call $reply))
  (func (export "canister_query trapping") (unreachable))
  (func (export "canister_update nothing") (call $reply))
"""
    + ANSWERS
)
METHOD = interface().methods["http_request"]
CLEANED = {"status": 299, "headers": [], "body": b"clean"}


@dataclass(frozen=True)
class Failed:
    """The canister got a reject."""

    code: int
    text: str


class Asker:
    """The canister on a network. `ask` returns the response as a dictionary, or `Failed`."""

    def __init__(self, network: Network, cycles: int = 50_000_000_000, subnet: str | None = None) -> None:
        cleaned = candid.encode((CLEANED,), METHOD.return_types)
        text = ASKER.format(
            cleaned="".join(f"\\{byte:02x}" for byte in cleaned), cleaned_size=len(cleaned), cycles=cycles
        )
        self.network = network
        self.id: Principal = network.deploy(wat(text, prelude=""), subnet=subnet)
        self.agent = network.agent()

    def argument(
        self, url: str, *, transform: str | None = None, exporter: Principal | None = None, **fields: Any
    ) -> bytes:
        called = (
            None
            if transform is None
            else {"function": FuncRef(exporter or self.id, transform), "context": b"c"}
        )
        request = {
            "url": url, "max_response_bytes": 100_000, "method": {"get": None}, "headers": [], "body": None,
            "transform": called, "is_replicated": None, **fields,
        }  # fmt: skip
        return candid.encode((request,), METHOD.arg_types)

    def ask(self, url: str, *, by: str = "ask", **fields: Any) -> dict[str, object] | Failed:
        reply = self.agent.update(self.id, by, self.argument(url, **fields))
        if reply[:1] == b"!":
            return Failed(int(reply[1:2]), reply[2:].decode())
        answer: dict[str, object] = candid.decode(reply, METHOD.return_types)[0]
        return answer
