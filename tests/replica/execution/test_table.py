"""The system API is the specification's: every function, in every context, for both pointer sizes."""

from __future__ import annotations

import pytest

from ic_harness.replica.execution import Entry, Mode, Trapped
from ic_harness.replica.execution.table import BY_NAME, ROWS, describe
from ic_harness.replica.execution.traps import MODE_NAMES

from .canisters import canister, environment

# Written down from the interface specification's "Overview of imports", apart from table.py. `mint_cycles128` is the
# replica's alone (`ic0_mint_cycles128`).
SPECIFICATION = """
msg_arg_data_size msg_arg_data_copy: I U RQ NRQ TQ CQ Ry CRy F
msg_caller_size msg_caller_copy canister_self_size canister_self_copy subnet_self_size subnet_self_copy: *
msg_caller_info_data_size msg_caller_info_data_copy: U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_caller_info_signer_size msg_caller_info_signer_copy: U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_reject_code: Ry Rt CRy CRt C
msg_reject_msg_size msg_reject_msg_copy: Rt CRt
msg_deadline: U RQ NRQ CQ Ry Rt CRy CRt
msg_reply_data_append msg_reply msg_reject: U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_cycles_available128 msg_cycles_accept128: U RQ Rt Ry
msg_cycles_refunded128: Rt Ry
cycles_burn128: I G U RQ Ry Rt C T
mint_cycles128: U Ry Rt T
canister_cycle_balance128 canister_liquid_cycle_balance128 canister_status canister_version: *
msg_method_name_size msg_method_name_copy accept_message: F
call_new call_on_cleanup call_data_append call_with_best_effort_response call_perform: U CQ Ry Rt CRy CRt T
call_cycles_add128: U Ry Rt T
stable64_size stable64_grow stable64_write stable64_read: * s
root_key_size root_key_copy: I G U RQ Ry Rt C T
certified_data_set: I G U Ry Rt T
data_certificate_present time: *
data_certificate_size data_certificate_copy: NRQ CQ
global_timer_set: I G U Ry Rt C T
performance_counter is_controller in_replicated_execution debug_print trap: * s
cost_call cost_create_canister cost_http_request: * s
cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key: * s
env_var_count env_var_name_size env_var_name_copy env_var_name_exists env_var_value_size env_var_value_copy: *
"""
ONLY_32 = """
msg_cycles_available msg_cycles_accept: U RQ Rt Ry
msg_cycles_refunded: Rt Ry
canister_cycle_balance: *
call_cycles_add: U Ry Rt T
stable_size stable_grow stable_write stable_read: * s
"""


def _parse(text: str) -> dict[str, set[Mode]]:
    found = {}
    for line in text.strip().splitlines():
        names, _, contexts = line.partition(":")
        modes = _modes(contexts.split())
        found.update(dict.fromkeys(names.split(), modes))
    return found


def _modes(letters: list[str]) -> set[Mode]:
    if "*" in letters:
        return set(Mode) - (set() if "s" in letters else {Mode.START})
    modes = {mode for mode in Mode if mode.value in letters}
    return modes | {Mode.POST_UPGRADE} if Mode.INIT in modes else modes


ALLOWED = _parse(SPECIFICATION) | _parse(ONLY_32)


def test_every_function_is_there():
    """The table has the 66 functions of all canisters and the 9 that only 32-bit ones may import."""
    assert {row.name for row in ROWS if not row.only_32} == set(_parse(SPECIFICATION))
    assert {row.name for row in ROWS if row.only_32} == set(_parse(ONLY_32))
    assert (len(_parse(SPECIFICATION)), len(_parse(ONLY_32)), len(ROWS)) == (66, 9, 75)


def _caller_of(name: str, *, is_64: bool) -> bytes:
    row = BY_NAME[name]
    kinds = {"I": "i64" if is_64 else "i32", "i": "i32", "l": "i64"}
    arguments = " ".join(f"({kinds[letter]}.const 0)" for letter in row.params)
    call = f"(call $ic0.{name} {arguments})"
    body = f"(drop {call})" if row.results else call
    memory = "(memory i64 1)" if is_64 else "(memory 1)"
    return canister(f'(func (export "canister_update f") {body})', is_64=is_64, memory=memory)


@pytest.mark.parametrize("name", [row.name for row in ROWS])
def test_contexts(engine, name):
    """A function can be called where the specification allows it and nowhere else, by 32 and 64 bits."""
    for is_64 in (False,) if BY_NAME[name].only_32 else (False, True):
        instance = engine.instantiate(engine.compile(_caller_of(name, is_64=is_64)))
        instance.commit()
        for mode in Mode:
            outcome = instance.run(Entry(export="canister_update f"), environment(mode, certificate=b"c"))
            instance.rollback()
            refused = isinstance(outcome, Trapped) and "cannot be executed in" in outcome.message
            assert refused == (mode not in ALLOWED[name]), (mode, outcome)
            if refused:
                assert outcome.message == (
                    f'Canister violated contract: "{name}" cannot be executed in {MODE_NAMES[mode]} mode'
                )
                assert (outcome.error_code, outcome.anchor) == (
                    504,
                    "calling-a-system-api-from-the-wrong-mode",
                )


def test_the_table_can_be_read():
    """The table is written out with a line for each function."""
    message_contexts = ["I", "U", "RQ", "NRQ", "TQ", "CQ", "Ry", "CRy", "F"]
    lines = describe().splitlines()
    assert len(lines) == len(ROWS)
    assert lines[1].split() == [
        "msg_arg_data_copy",
        "(III)",
        "->",
        "()",
        *message_contexts,
    ]
