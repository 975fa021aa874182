"""What a canister can ask about itself and its surroundings."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Mode
from ic_harness.replica.execution.table import ROWS

from .canisters import canister

OWNERS = frozenset([b"\1\2\3"])
REPLY_8 = "(call $ic0.msg_reply_data_append (i32.const 0) (i32.const 8)) (call $ic0.msg_reply)"


def asking(call: str, *, wide: bool = True) -> bytes:
    """A canister that replies with what one call returns, as 8 bytes."""
    value = call if wide else f"(i64.extend_i32_u {call})"
    return canister(f"""
      (data (i32.const 100) "\\01\\02\\03")
      (func (export "canister_update f") (i64.store (i32.const 0) {value}) {REPLY_8})
    """)


@pytest.mark.parametrize(
    ("call", "wide", "fields", "value"),
    [
        ("(call $ic0.time)", True, {"time_ns": 123}, 123),
        ("(call $ic0.canister_version)", True, {"version": 7}, 7),
        ("(call $ic0.canister_status)", False, {"status": 2}, 2),
        ("(call $ic0.global_timer_set (i64.const 5))", True, {"global_timer_ns": 9}, 9),
        ("(call $ic0.is_controller (i32.const 100) (i32.const 3))", False, {"controllers": OWNERS}, 1),
        ("(call $ic0.is_controller (i32.const 100) (i32.const 2))", False, {"controllers": OWNERS}, 0),
        ("(call $ic0.in_replicated_execution)", False, {}, 1),
        ("(call $ic0.env_var_count)", False, {"environment_variables": (("a", "b"), ("c", "d"))}, 2),
    ],
)  # fmt: skip
def test_answers(install, call, wide, fields, value):
    """Each question is answered from the message's environment."""
    assert int.from_bytes(install(asking(call, wide=wide)).reply("f", **fields), "little") == value


def test_queries_are_not_replicated(install):
    """A query call runs on one node only, the same query in an update on all."""
    wasm = asking("(call $ic0.in_replicated_execution)", wide=False)
    assert install(wasm).reply("f", Mode.QUERY)[0] == 0
    assert install(wasm).reply("f", Mode.REPLICATED_QUERY)[0] == 1


def test_timer_is_an_effect(install):
    """Setting the timer is told on success; a second setting sees the first."""
    wasm = canister("""
      (func (export "canister_update f") (drop (call $ic0.global_timer_set (i64.const 5)))
        (if (i64.ne (call $ic0.global_timer_set (i64.const 6)) (i64.const 5)) (then (unreachable))))
    """)
    assert install(wasm).ok("f", global_timer_ns=1).effects.global_timer_ns == 6


def test_performance_counter(install):
    """Counter 0 counts this message, counter 1 the whole call; both rise; others do not exist."""
    wasm = canister(f"""
      (func (export "canister_update f") (local $before i64)
        (local.set $before (call $ic0.performance_counter (i32.const 0)))
        (if (i64.le_u (call $ic0.performance_counter (i32.const 0)) (local.get $before)) (then (unreachable)))
        (i64.store (i32.const 0) (call $ic0.performance_counter (i32.const 1))) {REPLY_8})
      (func (export "canister_update g") (drop (call $ic0.performance_counter (i32.const 2))))
    """)
    outcome = install(wasm).ok("f", call_context_instructions=1_000_000)
    counted = int.from_bytes(outcome.effects.answer.data, "little")
    assert 1_000_000 < counted < 1_000_000 + outcome.instructions
    assert install(wasm).trap("g").error_code == 504


def test_long_principals_are_none(install):
    """Asking whether 30 bytes are a controller traps."""
    trap = install(asking("(call $ic0.is_controller (i32.const 0) (i32.const 30))", wide=False)).trap("f")
    assert (trap.error_code, trap.message) == (504, "Canister provided invalid principal id")


VARIABLES = canister("""
  (data (i32.const 100) "KEYnope") (data (i32.const 200) "\\ff")
  (func (export "canister_update value")
    (call $ic0.env_var_value_copy (i32.const 100) (i32.const 3) (i32.const 0) (i32.const 0)
      (call $ic0.env_var_value_size (i32.const 100) (i32.const 3)))
    (call $ic0.msg_reply_data_append (i32.const 0)
      (call $ic0.env_var_value_size (i32.const 100) (i32.const 3))) (call $ic0.msg_reply))
  (func (export "canister_update name")
    (call $ic0.env_var_name_copy (i32.const 1) (i32.const 0) (i32.const 0)
      (call $ic0.env_var_name_size (i32.const 1)))
    (call $ic0.msg_reply_data_append (i32.const 0) (call $ic0.env_var_name_size (i32.const 1)))
    (call $ic0.msg_reply))
  (func (export "canister_update exists")
    (i32.store8 (i32.const 0) (call $ic0.env_var_name_exists (i32.const 100) (i32.const 3)))
    (i32.store8 (i32.const 1) (call $ic0.env_var_name_exists (i32.const 103) (i32.const 4)))
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 2)) (call $ic0.msg_reply))
  (func (export "canister_update unknown")
    (drop (call $ic0.env_var_value_size (i32.const 103) (i32.const 4))))
  (func (export "canister_update index") (drop (call $ic0.env_var_name_size (i32.const 2))))
  (func (export "canister_update long") (drop (call $ic0.env_var_name_exists (i32.const 0) (i32.const 129))))
  (func (export "canister_update binary") (drop (call $ic0.env_var_name_exists (i32.const 200)
    (i32.const 1))))
""")


def test_environment_variables(install):
    """Variables are found by name and by index."""
    fields = {"environment_variables": (("KEY", "välue"), ("other", ""))}
    assert install(VARIABLES).reply("value", **fields) == "välue".encode()
    assert install(VARIABLES).reply("name", **fields) == b"other"
    assert install(VARIABLES).reply("exists", **fields) == b"\x01\x00"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("unknown", "Environment variable nope not found."),
        ("index", "Environment variable index 2 is out of bounds. The number of environment variables is 2."),
        ("long", "Max allowed size is 128, got 129"),
        ("binary", "not valid UTF-8"),
    ],
)
def test_variables_that_are_not_there(install, name, text):
    """Asking for a variable that cannot be there traps and says why."""
    trap = install(VARIABLES).trap(name, environment_variables=(("KEY", "v"), ("other", "")))
    assert trap.error_code == 504
    assert text in trap.message


CERTIFIED = canister("""
  (func (export "canister_update set") (call $ic0.certified_data_set (i32.const 0) (i32.const 32)))
  (func (export "canister_update too_long") (call $ic0.certified_data_set (i32.const 0) (i32.const 33)))
  (func (export "canister_update certificate")
    (call $ic0.data_certificate_copy (i32.const 0) (i32.const 0) (call $ic0.data_certificate_size))
    (call $ic0.msg_reply_data_append (i32.const 0) (call $ic0.data_certificate_size)) (call $ic0.msg_reply))
  (func (export "canister_update present")
    (i32.store8 (i32.const 0) (call $ic0.data_certificate_present))
    (call $ic0.msg_reply_data_append (i32.const 0) (i32.const 1)) (call $ic0.msg_reply))
  (func (export "canister_update root_key")
    (call $ic0.root_key_copy (i32.const 0) (i32.const 0) (call $ic0.root_key_size))
    (call $ic0.msg_reply_data_append (i32.const 0) (call $ic0.root_key_size)) (call $ic0.msg_reply))
""")


def test_certified_data(install):
    """32 bytes at most are certified; setting them is told on success."""
    assert install(CERTIFIED).ok("set").effects.certified_data == bytes(32)
    assert install(CERTIFIED).ok("present").effects.certified_data is None
    trap = install(CERTIFIED).trap("too_long")
    assert (trap.error_code, trap.anchor) == (504, "certified-data-too-large")


def test_the_certificate_is_there_or_not(install):
    """A query call may have the certificate; where there is none, asking for it traps."""
    canister_ = install(CERTIFIED)
    assert canister_.reply("certificate", Mode.QUERY, certificate=b"cert") == b"cert"
    assert canister_.reply("present", Mode.QUERY, certificate=b"") == b"\x01"
    assert canister_.reply("present", Mode.QUERY) == b"\x00"
    assert canister_.trap("certificate", Mode.QUERY).error_code == 504
    assert canister_.reply("root_key", root_key=b"key") == b"key"


def test_system_calls_count_as_instructions(install):
    """Each call of the system API counts for what the replica charges, and the instruction limit holds for the sum.

    Motoko's counters of instructions fit together only so: what a collection costs varies by less than the calls of
    the messages around it.
    """
    wasm = canister(f"""
      (func (export "canister_update f")
        (i64.store (i32.const 0) (call $ic0.performance_counter (i32.const 0)))
        (drop (call $ic0.time)) (drop (call $ic0.time)) (drop (call $ic0.time))
        (i64.store (i32.const 0)
          (i64.sub (call $ic0.performance_counter (i32.const 0)) (i64.load (i32.const 0)))) {REPLY_8})
    """)
    outcome = install(wasm).ok("f")
    between = int.from_bytes(outcome.effects.answer.data, "little")
    # One block of instructions, which is charged where it begins: only the calls lie between.
    assert between == 3 * 500 + 200
    assert outcome.instructions > 3 * 500 + 2 * 200 + 2 * 500
    trap = install(wasm).trap("f", instruction_limit=2_000)
    assert (trap.error_code, trap.instructions) == (522, 2_000)


def test_costs_are_the_replicas():
    """The cost of every system function, as the public replica has it; stable memory is counted by its own code."""
    costs = {row.name: row.cost for row in ROWS if row.cost != 500}
    in_wasm = {row.name: 0 for row in ROWS if row.function is None}
    named = {"call_new": 1500, "call_perform": 5000, "debug_print": 100, "is_controller": 1000}
    assert costs == {**in_wasm, **named, "performance_counter": 200}
