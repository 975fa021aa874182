"""Arguments, callers, rejects and answers, as a message sees and gives them."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Mode, Reject, Reply

from .canisters import canister, environment

ECHO = canister(
    """
  (func (export "canister_update echo")
    (call $ic0.msg_arg_data_copy (i32.const 100) (i32.const 0) (call $ic0.msg_arg_data_size))
    (call $ic0.msg_reply_data_append (i32.const 100) (call $ic0.msg_arg_data_size))
    (call $ic0.msg_reply))
  (func (export "canister_update part")
    (call $ic0.msg_arg_data_copy (i32.const 0) (i32.const 2) (i32.const 3))
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 3))
    (call $ic0.msg_reply))
  (func (export "canister_update too_much")
    (call $ic0.msg_arg_data_copy (i32.const 0) (i32.const 2) (i32.const 4)))
  (func (export "canister_update outside")
    (call $ic0.msg_arg_data_copy (i32.const 65535) (i32.const 0) (i32.const 2)))
  (func (export "canister_update far")
    (call $ic0.msg_arg_data_copy (i32.const -1) (i32.const 0) (i32.const 2)))
  (func (export "canister_update twice") (call $ic0.msg_reply) (call $ic0.msg_reply))
  (func (export "canister_update reject_after") (call $ic0.msg_reply)
    (call $ic0.msg_reject (i32.const 0) (i32.const 0)))
  (func (export "canister_update append_after") (call $ic0.msg_reply)
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 0)))
  (func (export "canister_update reject")
    (call $ic0.msg_arg_data_copy (i32.const 100) (i32.const 0) (call $ic0.msg_arg_data_size))
    (call $ic0.msg_reject (i32.const 100) (call $ic0.msg_arg_data_size)))
  (func (export "canister_update nothing"))
""",
    memory="(memory 40)",
)


def test_the_argument_comes_back(install):
    """Argument and reply are copied whole, also when they are as large as a message may be."""
    canister_ = install(ECHO)
    for arg in (b"", b"hello", bytes(range(256)) * 8000):
        assert canister_.ok("echo", arg=arg).effects.answer == Reply(arg)


def test_a_part_of_the_argument(install):
    """A part that lies in the argument is copied; more than there is traps."""
    canister_ = install(ECHO)
    assert canister_.reply("part", arg=b"abcde") == b"cde"
    trap = canister_.trap("too_much", arg=b"abcde")
    assert trap.error_code == 504
    assert trap.message.startswith("Canister violated contract: ic0.msg_arg_data_copy: offset 2 + size 4")


@pytest.mark.parametrize("name", ["outside", "far"])
def test_a_pointer_outside_traps(install, name):
    """A system call that would write outside the heap traps as the canister's own code would."""
    wasm = canister("""
      (func (export "canister_update outside")
        (call $ic0.msg_arg_data_copy (i32.const 65535) (i32.const 0) (i32.const 2)))
      (func (export "canister_update far")
        (call $ic0.msg_arg_data_copy (i32.const -1) (i32.const 0) (i32.const 2)))
    """)
    trap = install(wasm).trap(name, arg=b"abc")
    assert (trap.error_code, trap.message) == (502, "Canister trapped: heap out of bounds")


@pytest.mark.parametrize("name", ["twice", "reject_after", "append_after"])
def test_one_answer(install, name):
    """A call is answered once: a second answer in the same message traps and takes the first with it."""
    trap = install(ECHO).trap(name)
    assert trap.message.endswith("the call is already replied")
    assert (trap.error_code, trap.anchor) == (504, "message-already-replied")


def test_one_answer_per_call(install):
    """A callback cannot answer when an earlier message of the call did."""
    assert install(ECHO).trap("echo", answered=True).error_code == 504
    assert install(ECHO).ok("nothing", answered=True).effects.answer is None


def test_reject(install):
    """A reject carries its text; text that is not UTF-8 traps."""
    canister_ = install(ECHO)
    assert canister_.ok("reject", arg="nö".encode()).effects.answer == Reject("nö")
    assert "invalid UTF-8" in canister_.trap("reject", arg=b"\xff").message


def test_reply_limit(install):
    """A reply beyond the limit traps with the size it would have had."""
    trap = install(ECHO).trap("echo", arg=bytes(1001), reply_limit=1000)
    assert trap.message == (
        "Canister violated contract: ic0.msg_reply_data_append: application payload size (1001) cannot be "
        "larger than 1000"
    )


def test_the_callers_view(install):
    """Caller, caller info, reject, deadline and method name are what the environment says."""
    fields = {
        "msg_caller": "caller", "msg_caller_info_data": "caller_info",
        "msg_caller_info_signer": "caller_info_signer",
        "canister_self": "canister_id", "subnet_self": "subnet_id",
    }  # fmt: skip
    for name, field in fields.items():
        wasm = _fetch(name)
        assert install(wasm).reply("f", **{field: b"\x01\x02\x03"}) == b"\x01\x02\x03"
    assert install(_fetch("msg_reject_msg")).reply("f", Mode.REJECT, reject_message="né") == "né".encode()


def _fetch(name: str) -> bytes:
    return canister(f"""
      (func (export "canister_update f")
        (call $ic0.{name}_copy (i32.const 8) (i32.const 0) (call $ic0.{name}_size))
        (call $ic0.msg_reply_data_append (i32.const 8) (call $ic0.{name}_size))
        (call $ic0.msg_reply))
    """)


def test_reject_code_and_deadline(install):
    """A reply callback sees code 0, a reject callback the code; the deadline is 0 unless the call has one."""
    wasm = canister("""
      (func (export "canister_update f")
        (i32.store (i32.const 0) (call $ic0.msg_reject_code))
        (i64.store (i32.const 4) (call $ic0.msg_deadline))
        (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 12)) (call $ic0.msg_reply))
    """)
    canister_ = install(wasm)
    assert canister_.reply("f", Mode.REPLY, reject_code=5) == bytes(12)
    expected = b"\x05\0\0\0" + (10**18).to_bytes(8, "little")
    assert canister_.reply("f", Mode.REJECT, reject_code=5, deadline_ns=10**18) == expected


INSPECT = canister("""
  (func (export "canister_inspect_message")
    (call $ic0.msg_method_name_copy (i32.const 0) (i32.const 0) (call $ic0.msg_method_name_size))
    (if (i32.eq (i32.load8_u (i32.const 0)) (i32.const 97)) (then (call $ic0.accept_message)))
    (if (i32.eq (i32.load8_u (i32.const 0)) (i32.const 98))
      (then (call $ic0.accept_message) (call $ic0.accept_message))))
""")


def test_inspect_message(install):
    """A message is let in by accept_message, once; silence refuses it with IC0406."""
    instance = install(INSPECT)
    assert instance.ok("canister_inspect_message", Mode.INSPECT, method_name="a").effects.accepted_message
    silent = instance.trap("canister_inspect_message", Mode.INSPECT, method_name="x")
    assert (silent.error_code, silent.message) == (406, "Canister rejected the message")
    assert (
        "already called" in instance.trap("canister_inspect_message", Mode.INSPECT, method_name="b").message
    )


def test_environment_defaults():
    """An environment needs its mode only."""
    assert environment(Mode.UPDATE).instruction_limit == 40_000_000_000
