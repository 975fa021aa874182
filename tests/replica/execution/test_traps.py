"""Traps give the codes and texts that developers meet on the network, with a backtrace by name."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Completed, Mode
from ic_harness.replica.execution.interface import StableWriteLimits
from ic_harness.replica.execution.threads import start_thread

from .canisters import canister

ADVICE = (
    "Consider gracefully handling failures from this canister or altering the canister to handle exceptions."
)
TRAPS = canister("""
  (table 2 funcref)
  (data (i32.const 0) "bad \\ff thing")
  (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
  (func (export "canister_update unreachable") (unreachable))
  (func (export "canister_update division") (drop (i32.div_u (i32.const 1) (i32.const 0))))
  (func (export "canister_update heap") (drop (i32.load (i32.const 65533))))
  (func (export "canister_update far_heap") (drop (i32.load offset=0xfffffff0 (i32.const -1))))
  (func (export "canister_update recursion") (drop (call $deep (i32.const 0))))
  (func (export "canister_update table") (call_indirect (i32.const 7)))
  (func (export "canister_update stable_end")
    (drop (call $ic0.stable64_grow (i64.const 1)))
    (call $ic0.stable64_write (i64.const 65530) (i64.const 0) (i64.const 7)))
  (func (export "canister_update stable_wrap")
    (call $ic0.stable64_read (i64.const 0) (i64.const -1) (i64.const 2)))
  (func (export "canister_update stable_heap")
    (drop (call $ic0.stable64_grow (i64.const 1)))
    (call $ic0.stable64_read (i64.const 65530) (i64.const 0) (i64.const 7)))
  (func (export "canister_update stable_high_heap")
    (drop (call $ic0.stable64_grow (i64.const 1)))
    (call $ic0.stable64_read (i64.const 0x100000000) (i64.const 0) (i64.const 7)))
  (func (export "canister_update explicit") (call $ic0.trap (i32.const 0) (i32.const 11)))
  (func (export "canister_update trap_outside") (call $ic0.trap (i32.const -1) (i32.const 2)))
  (func (export "canister_update print_outside") (call $ic0.debug_print (i32.const -1) (i32.const 2)))
  (func (export "canister_update print_and_trap")
    (call $ic0.debug_print (i32.const 0) (i32.const 3)) (unreachable))
  (func (export "canister_update forever") (loop (br 0)))
  (func (export "canister_update fill_forever")
    (loop (memory.fill (i32.const 0) (i32.const 1) (i32.const 65536)) (br 0)))
  (func (export "canister_update grow_forever")
    (loop (br_if 0 (i32.lt_u (memory.grow (i32.const 1)) (i32.const 100)))))
""")

PAGE = 4096
WRITES_PAGES = canister("""
  (func (export "canister_update grow") (drop (call $ic0.stable64_grow (i64.const 1))))
  (func (export "canister_update write") (local $page i32)
    (call $ic0.msg_arg_data_copy (i32.const 0) (i32.const 0) (i32.const 1))
    (loop
      (call $ic0.stable64_write
        (i64.extend_i32_u (i32.mul (local.get $page) (i32.const 4096))) (i64.const 0) (i64.const 1))
      (local.set $page (i32.add (local.get $page) (i32.const 1)))
      (br_if 0 (i32.lt_u (local.get $page) (i32.load8_u (i32.const 0))))))
""")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("unreachable", "unreachable"),
        ("division", "integer division by 0"),
        ("heap", "heap out of bounds"),
        ("far_heap", "heap out of bounds"),
        ("recursion", "stack overflow"),
        ("table", "table out of bounds"),
        ("stable_end", "stable memory out of bounds"),
        ("stable_wrap", "stable memory out of bounds"),
        ("stable_heap", "heap out of bounds"),
        ("stable_high_heap", "heap out of bounds"),
    ],
)
def test_wasm_traps(install_any, name, reason):
    """What Wasm forbids is IC0502 with the network's word for it."""
    trap = install_any(TRAPS).trap(name)
    assert (trap.error_code, trap.message) == (502, f"Canister trapped: {reason}")
    assert (trap.advice, trap.anchor) == (ADVICE, "trapped")


def test_ic0_trap(install):
    """ic0.trap is IC0503 with the canister's text, whatever its bytes are."""
    trap = install(TRAPS).trap("explicit")
    assert trap.message == "Canister called `ic0.trap` with message: 'bad \ufffd thing'"
    assert (trap.error_code, trap.advice, trap.anchor) == (503, ADVICE, "trapped-explicitly")
    assert "out of memory bounds" in install(TRAPS).trap("trap_outside").message


def test_debug_print_never_traps(install):
    """Printing from outside the memory gives a line of the system's.

    What was printed before a trap is kept.
    """
    assert install(TRAPS).ok("print_outside").logs == (b"(debug_print message out of memory bounds)",)
    assert install(TRAPS).trap("print_and_trap").logs == (b"bad",)


@pytest.mark.parametrize("name", ["forever", "fill_forever"])
def test_instruction_limit(install, name):
    """A loop, also one of bulk operations, ends at the instruction limit with IC0522."""
    trap = install(TRAPS).trap(name, instruction_limit=5_000_000)
    assert trap.error_code == 522
    assert trap.message == (
        "Canister exceeded the limit of 5000000 instructions for single message execution."
    )
    assert trap.instructions == 5_000_000
    assert trap.anchor == "instruction-limit-exceeded"


def test_wasm_memory_limit(install):
    """Growing beyond the limit of the settings ends an update with IC0539, and does not end a query."""
    trap = install(TRAPS).trap("grow_forever", wasm_memory_limit=10 << 16)
    assert trap.error_code == 539
    assert trap.message.startswith(
        "Canister exceeded its current Wasm memory limit of 655360 bytes. The peak Wasm memory usage was "
        "720896 bytes."
    )
    install(TRAPS).ok("grow_forever", Mode.QUERY, wasm_memory_limit=10 << 16)


@pytest.mark.parametrize(("mode", "limit"), [(Mode.UPDATE, 3), (Mode.INIT, 5), (Mode.QUERY, 2)])
def test_stable_write_limit(install_any, mode, limit):
    """A message may change so many pages of stable memory; one more ends it with IC0524 and changes nothing."""
    limits = StableWriteLimits(message=3 * PAGE, upgrade=5 * PAGE, query=2 * PAGE)
    harness = install_any(WRITES_PAGES)
    harness.ok("grow")
    harness.ok("write", mode, arg=bytes([limit]), stable_write_limits=limits)
    trap = harness.trap("write", mode, arg=bytes([limit + 1]), stable_write_limits=limits)
    assert trap.error_code == 524
    assert "limit 12 KB for regular messages, 20 KB for upgrade messages and 8 KB for queries" in trap.message
    assert harness.instance.stable.written() == []


def test_stable_memory_limit(install):
    """stable64_grow beyond the limit answers -1."""
    wasm = canister("""
      (func (export "canister_update f")
        (i64.store (i32.const 0) (call $ic0.stable64_grow (i64.const 3)))
        (i64.store (i32.const 8) (call $ic0.stable64_grow (i64.const 2)))
        (i64.store (i32.const 16) (call $ic0.stable64_grow (i64.const 0)))
        (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 24)) (call $ic0.msg_reply))
    """)
    reply = install(wasm).reply("f", stable_memory_limit=2 << 16)
    assert reply == b"\xff" * 8 + bytes(8) + (2).to_bytes(8, "little")


def test_stable_memory_of_32_bits(install):
    """The 32-bit functions work up to 4 GiB and trap once stable memory is larger."""
    wasm = canister("""
      (func (export "canister_update small")
        (drop (call $ic0.stable_grow (i32.const 1)))
        (i32.store (i32.const 0) (i32.const 42))
        (call $ic0.stable_write (i32.const 100) (i32.const 0) (i32.const 4))
        (call $ic0.stable_read (i32.const 8) (i32.const 100) (i32.const 4))
        (i32.store (i32.const 12) (call $ic0.stable_size))
        (i32.store (i32.const 16) (call $ic0.stable_grow (i32.const 65536)))
        (call $ic0.msg_reply_data_append (i32.const 8) (i32.const 12)) (call $ic0.msg_reply))
      (func (export "canister_update large")
        (drop (call $ic0.stable64_grow (i64.const 65537))) (drop (call $ic0.stable_size)))
    """)
    numbers = (42, 1, 0xFFFF_FFFF)
    assert install(wasm).reply("small") == b"".join(number.to_bytes(4, "little") for number in numbers)
    assert install(wasm).trap("large").message == (
        "Canister trapped: 32 bit stable memory api used on a memory larger than 4GB"
    )


def test_backtrace_by_name(install):
    """With a name section the trap tells the functions it was in, innermost first, Rust's names readable."""
    wasm = canister("""
      (func $_ZN3app5parse17h0123456789abcdefE (unreachable))
      (func $outer (call $_ZN3app5parse17h0123456789abcdefE))
      (func (export "canister_update f") (call $outer))
      (func $printing (call $ic0.trap (i32.const 0) (i32.const 0)))
      (func (export "canister_update g") (call $printing))
    """)
    assert install(wasm).trap("f").backtrace[:2] == ("app::parse", "outer")
    assert install(wasm).trap("g").backtrace[0] == "printing"


def test_no_backtrace_without_names(install):
    """Without a name section there is no backtrace."""
    wasm = canister('(func (export "canister_update f") (unreachable))')
    assert install(wasm).trap("f").backtrace == ()


def test_system_tasks_by_name(install):
    """A violation in a system task says which task it was."""
    wasm = canister('(func (export "canister_heartbeat") (drop (call $ic0.msg_arg_data_size)))')
    trap = install(wasm).trap("canister_heartbeat", Mode.SYSTEM_TASK)
    assert trap.message == (
        'Canister violated contract: "msg_arg_data_size" cannot be executed in heartbeat mode'
    )


DEEP = canister("""
  (func $down (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "canister_update shallow") (drop (call $down (i32.const 60000))))
  (func (export "canister_update answer_twice") (call $ic0.msg_reply) (call $ic0.msg_reply))
  (func (export "canister_update deep") (drop (call $down (i32.const 10000000))))
""")


def test_the_stack_is_as_deep_as_the_replicas(install):
    """Five MiB of frames: 60,000 small ones fit, which one MiB does not hold; beyond is a trap."""
    found = []

    def recurse():
        found.append(install(DEEP).run("shallow"))
        found.append(install(DEEP).run("deep"))

    start_thread(recurse, "deep").join()
    assert isinstance(found[0], Completed)
    assert found[1].message == "Canister trapped: stack overflow"


def test_only_traps_have_a_backtrace(install):
    """Broken contracts and limits name no functions, although the module has names."""
    assert install(TRAPS).trap("unreachable").backtrace
    assert install(TRAPS).trap("explicit").backtrace
    assert install(TRAPS).trap("forever", instruction_limit=100_000).backtrace == ()
    assert install(DEEP).trap("answer_twice").backtrace == ()
